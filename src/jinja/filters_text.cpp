// Filters of texts and numbers, and those that make a text.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/filters.h"
#include "jinja/json.h"
#include "jinja/print.h"
#include "jinja/text.h"
#include "jinja/text_work.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

template <std::string (*change)(std::string_view)>
Value changed(Call& call) {
  const std::string text = text_of(call.self, call.work);
  return call.work.make(text.size()) ? Value{change(text)} : Value{};
}

Value trim(Call& call) {
  const std::string text = text_of(call.self, call.work);
  const Value* const what = call.argument(0, "chars");
  if (what == nullptr || what->is(Kind::none)) return stripped(text, Side::both);
  const std::string set = call.text(0, "chars", "");
  return call.work.step(set.size() * (1 + text.size() / 64)) ? Value{stripped(text, Side::both, set)} : Value{};
}

Value replace(Call& call) {
  const std::string text = text_of(call.self, call.work);
  const std::string what = call.text(0, "s", "");
  const std::string with = call.text(1, "new", "");
  return replaced(text, what, with, call.number(2, "count", -1), call.work);
}

Value string(Call& call) {
  return call.self.is(Kind::string) ? call.self : Value{text_of(call.self, call.work)};
}

Value escape(Call& call) {
  std::string out;
  for (const char c : text_of(call.self, call.work)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&#34;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return call.work.make(out.size()) ? Value{std::move(out)} : Value{};
}

// Hugging Face's: json.dumps(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False).
Value to_json(Call& call) {
  JsonForm form;
  form.only_ascii = call.flag(0, "ensure_ascii", false);
  const Value* indent = call.argument(1, "indent");
  // Jinja's own filter has `indent` first; a number there is meant as one.
  if (call.arguments.size() == 1 && call.arguments[0].is(Kind::integer)) {
    indent = call.arguments.data();
    form.only_ascii = false;
  }
  if (indent != nullptr && indent->is(Kind::string)) form.indent = indent->string();
  if (indent != nullptr && indent->is(Kind::integer)) form.indent = padding(indent->integer(), 0, call.work);
  if (form.indent) form.between_items = ",";
  if (const Value* const pair = call.argument(2, "separators"); pair != nullptr && pair->is(Kind::list)) {
    if (pair->list().size() != 2 || !pair->list()[0].is(Kind::string) || !pair->list()[1].is(Kind::string)) {
      return call.work.fail("tojson: `separators` are two texts");
    }
    form.between_items = pair->list()[0].string();
    form.behind_key = pair->list()[1].string();
    if (!call.work.make(form.between_items.size() + form.behind_key.size())) return {};
  }
  form.sort_keys = call.flag(3, "sort_keys", false);
  std::string out;
  append_json(out, call.self, form, call.work);
  return out;
}

Value parse_json(Call& call) {
  if (!call.self.is(Kind::string) || !call.work.make(call.self.weight() * 8))
    return call.work.fail("fromjson needs a text");
  Result<Value> value = from_json(call.self.string());
  return value ? std::move(*value) : call.work.fail("fromjson: " + value.error().message);
}

Value indent(Call& call) {
  const Value* const width = call.argument(0, "width");
  const std::string pad =
      width != nullptr && width->is(Kind::string) ? width->string() : padding(call.number(0, "width", 4), 0, call.work);
  const bool first = call.flag(1, "first", false);
  const bool blank = call.flag(2, "blank", false);
  const std::string text = text_of(call.self, call.work) + '\n';
  std::string out;
  std::size_t number = 0;
  for (const std::string_view line : lines_of(text)) {
    if (!call.work.make(pad.size() + line.size() + 1)) return {};
    if (number != 0) out += '\n';
    if ((number != 0 || first) && (blank || !line.empty() || (number == 0 && first))) out += pad;
    out += line;
    ++number;
  }
  return out;
}

Value center(Call& call) {
  const std::string text = text_of(call.self, call.work);
  const std::int64_t width = call.number(0, "width", 80);
  const std::size_t size = count_characters(text);
  const std::string all = padding(width, size, call.work);
  const std::size_t left = all.size() / 2 + (all.size() & static_cast<std::size_t>(width) & 1U);
  return all.substr(0, left) + text + all.substr(left);
}

Value truncate(Call& call) {
  const std::string text = text_of(call.self, call.work);
  const std::int64_t length = call.number(0, "length", 255);
  const std::string end = call.text(2, "end", "...");
  const std::int64_t leeway = call.number(3, "leeway", 5);
  if (!call.work.make(text.size() * sizeof(std::string_view))) return {};
  const std::vector<std::string_view> all = characters(text);
  const std::int64_t room = length - static_cast<std::int64_t>(count_characters(end));
  if (room < 0 || leeway < 0) return call.work.fail("truncate: the length is shorter than the end");
  if (static_cast<std::int64_t>(all.size()) - length <= leeway) return text;
  std::string kept = text.substr(0, static_cast<std::size_t>(all[static_cast<std::size_t>(room)].data() - text.data()));
  if (!call.flag(1, "killwords", false)) {
    if (const std::size_t space = kept.rfind(' '); space != std::string::npos) kept.resize(space);
  }
  return kept + end;
}

// Runs of letters, digits and underscores.
Value count_words(Call& call) {
  const std::string text = text_of(call.self, call.work);
  std::int64_t count = 0;
  bool within = false;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = first_character(std::string_view{text}.substr(at));
    const bool letter =
        c.point >= 0x80 ? !is_space(c.point) : text::is_letter(text[at]) || text::is_digit(text[at]) || text[at] == '_';
    if (letter && !within) ++count;
    within = letter;
    at += c.size;
  }
  return count;
}

Value format(Call& call) {
  Object named;
  for (const auto& [name, value] : call.named) named.set(name, value);
  const Value values = call.arguments.empty() ? Value{std::move(named)} : Value{call.arguments};
  return printf_text(text_of(call.self, call.work), values, call.work);
}

std::optional<double> parsed(std::string_view text) {
  text = stripped(text, Side::both);
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

Value whole_number(Call& call) {
  const Value otherwise = call.number(0, "default", 0);
  const std::int64_t base = call.number(1, "base", 10);
  if (call.self.is_number() && !call.self.is(Kind::real)) return call.self.integer();
  if (call.self.is(Kind::string)) {
    std::string_view text = stripped(call.self.string(), Side::both);
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t number = 0;
    const int radix = base >= 2 && base <= 36 ? static_cast<int>(base) : 10;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number, radix);
    if (!text.empty() && end.ec == std::errc{} && end.ptr == text.data() + text.size()) return number;
  }
  const std::optional<double> real = call.self.is(Kind::real)     ? call.self.real()
                                     : call.self.is(Kind::string) ? parsed(call.self.string())
                                                                  : std::nullopt;
  return real && std::fabs(*real) < 9e18 ? Value{static_cast<std::int64_t>(*real)} : otherwise;
}

Value real_number(Call& call) {
  const Value* const otherwise = call.argument(0, "default");
  if (call.self.is_number()) return call.self.real();
  const std::optional<double> number = call.self.is(Kind::string) ? parsed(call.self.string()) : std::nullopt;
  return number ? Value{*number} : otherwise != nullptr ? *otherwise : Value{0.0};
}

Value absolute(Call& call) {
  if (call.self.is(Kind::real)) return std::fabs(call.self.real());
  if (!call.self.is_number()) return call.work.fail("abs needs a number");
  const std::int64_t number = call.self.integer();
  return number == INT64_MIN ? call.work.fail("a whole number has at most 64 bits")
                             : Value{number < 0 ? -number : number};
}

Value rounded(Call& call) {
  if (!call.self.is_number()) return call.work.fail("round needs a number");
  const std::int64_t precision = std::clamp<std::int64_t>(call.number(0, "precision", 0), -300, 300);
  const std::string method = call.text(1, "method", "common");
  if (method == "common" && precision >= 0 && !call.self.is(Kind::real)) return call.self.integer();
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = call.self.real() * scale;
  if (method == "ceil") return std::ceil(scaled) / scale;
  if (method == "floor") return std::floor(scaled) / scale;
  return std::nearbyint(scaled) / scale;  // to the even neighbour, as Python rounds
}

constexpr NamedBuiltin kFilters[] = {
    {"trim", trim},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"capitalize", changed<capitalized>},
    {"title", changed<titled>},
    {"replace", replace},
    {"string", string},
    {"safe", string},
    {"escape", escape},
    {"e", escape},
    {"tojson", to_json},
    {"fromjson", parse_json},
    {"indent", indent},
    {"center", center},
    {"truncate", truncate},
    {"wordcount", count_words},
    {"format", format},
    {"int", whole_number},
    {"float", real_number},
    {"abs", absolute},
    {"round", rounded},
};

}  // namespace

std::span<const NamedBuiltin> filters_of_texts() {
  return kFilters;
}

}  // namespace intragate::jinja

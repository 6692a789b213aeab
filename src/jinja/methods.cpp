// The methods of Python's texts, lists and objects that templates use, and those of `loop`. None of them changes what
// it belongs to.
#include <algorithm>

#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/name_table.h"
#include "jinja/print.h"
#include "jinja/text.h"
#include "jinja/text_work.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

// REQUIRES: a method of a text.
std::string_view text(const Call& call) {
  return call.self.string();
}

template <Side side>
Value strip(Call& call) {
  if (!call.work.make(call.self.weight())) return {};
  const Value* const what = call.argument(0, "chars");
  if (what == nullptr || what->is(Kind::none)) return stripped(text(call), side);
  const std::string set = call.text(0, "chars", "");
  if (!call.work.step(set.size() * (1 + call.self.weight() / 64))) return {};
  return stripped(text(call), side, set);
}

template <std::string (*change)(std::string_view)>
Value changed(Call& call) {
  return call.work.make(call.self.weight() * 2) ? Value{change(text(call))} : Value{};
}

Value texts(const std::vector<std::string_view>& parts, Work& work) {
  std::vector<Value> out;
  if (!work.make(parts.size() * (sizeof(Value) + sizeof(std::string)))) return {};
  out.reserve(parts.size());
  for (const std::string_view part : parts) out.emplace_back(part);
  return out;
}

bool has_separator(const Call& call) {
  const Value* const separator = call.argument(0, "sep");
  return separator != nullptr && !separator->is(Kind::none);
}

Value split(Call& call) {
  const std::int64_t most = call.number(1, "maxsplit", -1);
  if (!call.work.make(call.self.weight() * 4)) return {};
  if (!has_separator(call)) return texts(words_of(text(call), most), call.work);
  const std::string separator = call.text(0, "sep", "");
  if (separator.empty()) return call.work.fail("split() needs a separator that is not empty");
  std::vector<std::string_view> out;
  std::string_view rest = text(call);
  while (most < 0 || static_cast<std::int64_t>(out.size()) < most) {
    const std::size_t found = rest.find(separator);
    if (found == std::string_view::npos) break;
    out.push_back(rest.substr(0, found));
    rest.remove_prefix(found + separator.size());
  }
  out.push_back(rest);
  return texts(out, call.work);
}

Value split_from_right(Call& call) {
  const std::int64_t most = call.number(1, "maxsplit", -1);
  if (!has_separator(call) || most < 0) {
    if (most < 0) return split(call);
    return call.work.fail("rsplit() needs a separator here");
  }
  if (!call.work.make(call.self.weight() * 4)) return {};
  const std::string separator = call.text(0, "sep", "");
  if (separator.empty()) return call.work.fail("rsplit() needs a separator that is not empty");
  std::vector<std::string_view> out;
  std::string_view rest = text(call);
  while (static_cast<std::int64_t>(out.size()) < most) {
    const std::size_t found = rest.rfind(separator);
    if (found == std::string_view::npos) break;
    out.push_back(rest.substr(found + separator.size()));
    rest = rest.substr(0, found);
  }
  out.push_back(rest);
  std::reverse(out.begin(), out.end());
  return texts(out, call.work);
}

Value split_lines(Call& call) {
  return call.work.make(call.self.weight() * 2) ? texts(lines_of(text(call)), call.work) : Value{};
}

template <bool (*holds)(std::string_view, std::string_view)>
Value any_of(Call& call) {
  const Value* const given = call.argument(0, "prefix");
  if (given == nullptr || (!given->is(Kind::string) && !given->is(Kind::list)))
    return call.work.fail("expected a text, or several");
  if (given->is(Kind::string)) return holds(text(call), given->string());
  if (!call.work.step(given->weight())) return {};
  return std::any_of(given->list().begin(), given->list().end(),
                     [&](const Value& one) { return one.is(Kind::string) && holds(text(call), one.string()); });
}
bool starts(std::string_view whole, std::string_view part) {
  return whole.starts_with(part);
}
bool ends(std::string_view whole, std::string_view part) {
  return whole.ends_with(part);
}

Value replace(Call& call) {
  const std::string what = call.text(0, "old", "");
  const std::string with = call.text(1, "new", "");
  return replaced(text(call), what, with, call.number(2, "count", -1), call.work);
}

Value without_prefix(Call& call) {
  const std::string part = call.text(0, "prefix", "");
  return text(call).substr(text(call).starts_with(part) ? part.size() : 0);
}
Value without_suffix(Call& call) {
  const std::string part = call.text(0, "suffix", "");
  return text(call).substr(0, text(call).size() - (text(call).ends_with(part) ? part.size() : 0));
}

// The number of the character where the argument stands; -1: nowhere.
template <bool from_right>
Value find(Call& call) {
  if (!call.work.make(call.self.weight())) return {};
  const std::string what = call.text(0, "sub", "");
  const std::size_t at = from_right ? text(call).rfind(what) : text(call).find(what);
  if (at == std::string_view::npos) return -1;
  return static_cast<std::int64_t>(count_characters(text(call).substr(0, at)));
}

Value count(Call& call) {
  if (!call.work.make(call.self.weight())) return {};
  const std::string what = call.text(0, "sub", "");
  if (what.empty()) return static_cast<std::int64_t>(count_characters(text(call)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = text(call).find(what); at != std::string_view::npos;
       at = text(call).find(what, at + what.size()))
    ++found;
  return found;
}

Value join(Call& call) {
  std::string out;
  const std::vector<Value> items =
      items_of(call.argument(0, "iterable") ? *call.argument(0, "iterable") : Value{}, call.work);
  for (std::size_t i = 0; i < items.size() && !call.work.failed(); ++i) {
    if (!items[i].is(Kind::string))
      return call.work.fail("join() joins texts, not '" + std::string{kind_name(items[i])} + "'");
    if (!call.work.make(call.self.weight() + items[i].weight())) return {};
    if (i != 0) out += text(call);
    out += items[i].string();
  }
  return out;
}

template <bool (*is)(char32_t)>
Value all_characters(Call& call) {
  if (!call.work.make(call.self.weight())) return {};
  std::string_view rest = text(call);
  if (rest.empty()) return false;
  for (; !rest.empty(); rest.remove_prefix(first_character(rest).size)) {
    if (!is(first_character(rest).point)) return false;
  }
  return true;
}
bool is_digit(char32_t point) {
  return point >= '0' && point <= '9';
}
bool is_letter(char32_t point) {
  return upper(point) != lower(point) || (point >= 0x3400 && point <= 0x9FFF);
}
bool is_letter_or_digit(char32_t point) {
  return is_digit(point) || is_letter(point);
}

Value is_lower(Call& call) {
  return find_test("lower")(call);
}
Value is_upper(Call& call) {
  return find_test("upper")(call);
}

enum class Place : std::uint8_t { left, right };
template <Place place>
Value justified(Call& call) {
  const std::string pad = padding(call.number(0, "width", 0), count_characters(text(call)), call.work);
  if (!call.work.make(call.self.weight())) return {};
  return place == Place::left ? call.self.string() + pad : pad + call.self.string();
}

// `{}`, `{0}` and `{name}`, without format specifications.
Value format(Call& call) {
  std::string out;
  std::size_t next = 0;
  const std::string_view pattern = text(call);
  for (std::size_t at = 0; at < pattern.size() && !call.work.failed(); ++at) {
    const char c = pattern[at];
    const bool doubled = (c == '{' || c == '}') && at + 1 < pattern.size() && pattern[at + 1] == c;
    if (doubled || (c != '{' && c != '}')) {
      if (!call.work.make(1)) return {};
      out += c;
      at += doubled ? 1 : 0;
      continue;
    }
    const std::size_t close = c == '{' ? pattern.find('}', at) : std::string_view::npos;
    if (close == std::string_view::npos) return call.work.fail("format(): a bracket that does not close");
    const std::string_view name = pattern.substr(at + 1, close - at - 1);
    const std::optional<std::uint64_t> number = text::parse_unsigned(name);
    const std::size_t place = name.empty() ? next++ : number.value_or(call.arguments.size());
    const Value* const value = call.argument(place, name);
    if (value == nullptr) return call.work.fail("format(): there is no value for {" + std::string{name} + "}");
    append_text(out, *value, call.work);
    at = close;
  }
  return out;
}

constexpr NamedBuiltin kOfTexts[] = {
    {"strip", strip<Side::both>},
    {"lstrip", strip<Side::left>},
    {"rstrip", strip<Side::right>},
    {"upper", changed<upper>},
    {"lower", changed<lower>},
    {"casefold", changed<lower>},
    {"capitalize", changed<capitalized>},
    {"title", changed<titled>},
    {"split", split},
    {"rsplit", split_from_right},
    {"splitlines", split_lines},
    {"startswith", any_of<starts>},
    {"endswith", any_of<ends>},
    {"replace", replace},
    {"removeprefix", without_prefix},
    {"removesuffix", without_suffix},
    {"find", find<false>},
    {"rfind", find<true>},
    {"count", count},
    {"join", join},
    {"format", format},
    {"isdigit", all_characters<is_digit>},
    {"isnumeric", all_characters<is_digit>},
    {"isdecimal", all_characters<is_digit>},
    {"isalpha", all_characters<is_letter>},
    {"isalnum", all_characters<is_letter_or_digit>},
    {"isspace", all_characters<is_space>},
    {"islower", is_lower},
    {"isupper", is_upper},
    {"ljust", justified<Place::left>},
    {"rjust", justified<Place::right>},
};

Value pairs(Call& call) {
  return find_filter("items")(call);
}
Value keys(Call& call) {
  return items_of(call.self, call.work);
}
Value values(Call& call) {
  std::vector<Value> out;
  if (!call.work.make(call.self.weight() * sizeof(Value))) return {};
  for (const Object::Entry& entry : call.self.object().entries()) out.push_back(entry.second);
  return out;
}
Value get(Call& call) {
  const Value* const key = call.argument(0, "key");
  const Value* const found = key != nullptr && key->is(Kind::string) ? call.self.object().find(key->string()) : nullptr;
  if (found != nullptr) return *found;
  const Value* const otherwise = call.argument(1, "default");
  return otherwise == nullptr ? Value::none() : *otherwise;
}
Value itself(Call& call) {
  return call.self;
}

constexpr NamedBuiltin kOfObjects[] = {
    {"items", pairs}, {"keys", keys}, {"values", values}, {"get", get}, {"copy", itself},
};

Value count_in_list(Call& call) {
  const Value what = call.argument(0, "value") ? *call.argument(0, "value") : Value{};
  const std::vector<Value>& list = call.self.list();
  return static_cast<std::int64_t>(
      std::count_if(list.begin(), list.end(), [&](const Value& item) { return equal(item, what, call.work); }));
}
Value index_in_list(Call& call) {
  const Value what = call.argument(0, "value") ? *call.argument(0, "value") : Value{};
  const std::vector<Value>& list = call.self.list();
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const Value& item) { return equal(item, what, call.work); });
  if (found == list.end()) return call.work.fail("index(): the list does not hold this value");
  return static_cast<std::int64_t>(found - list.begin());
}

constexpr NamedBuiltin kOfLists[] = {{"count", count_in_list}, {"index", index_in_list}, {"copy", itself}};

Value cycle(Call& call) {
  if (call.arguments.empty()) return call.work.fail("cycle() needs values");
  return call.arguments[call.self.loop().index % call.arguments.size()];
}
Value has_changed(Call& call) {
  Loop& loop = call.self.loop();
  Value now{call.arguments};
  if (loop.seen && equal(loop.last_seen, now, call.work)) return false;
  loop.seen = true;
  loop.last_seen = std::move(now);
  return true;
}

constexpr NamedBuiltin kOfLoops[] = {{"cycle", cycle}, {"changed", has_changed}};

}  // namespace

Builtin find_method(Kind kind, std::string_view name) {
  switch (kind) {
    case Kind::string: return find_in(kOfTexts, name);
    case Kind::object: return find_in(kOfObjects, name);
    case Kind::list: return find_in(kOfLists, name);
    case Kind::loop: return find_in(kOfLoops, name);
    default: return nullptr;
  }
}

}  // namespace intragate::jinja

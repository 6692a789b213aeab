#include "tokenizer/normalizer.h"

#include <utf8proc.h>

#include <cstdlib>

#include "base/text.h"
#include "jinja/text.h"

namespace intragate::tokenizer {

using jinja::Object;
using jinja::Value;
using ValueKind = Value::Kind;

Error unsupported(std::string_view what, std::string_view kind) {
  return make_error(Code::invalid_configuration,
                    "tokenizer: " + std::string{what} + ' ' + text::quoted(kind) + " is not supported");
}

std::string_view text_at(const Object& object, std::string_view key) {
  const Value* const value = object.find(key);
  return value != nullptr && value->is(ValueKind::string) ? std::string_view{value->string()} : std::string_view{};
}

bool flag_at(const Object& object, std::string_view key, bool otherwise) {
  const Value* const value = object.find(key);
  return value != nullptr && value->is(ValueKind::boolean) ? value->boolean() : otherwise;
}

Written pattern_of(const Object& config) {
  const Value* const pattern = config.find("pattern");
  if (pattern == nullptr || !pattern->is(ValueKind::object)) return {};
  const std::string_view expression = text_at(pattern->object(), "Regex");
  if (!expression.empty()) return {.source = std::string{expression}, .kind = Pattern::Kind::expression};
  return {.source = std::string{text_at(pattern->object(), "String")}, .kind = Pattern::Kind::text};
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  for (std::size_t found = text.find(what); found != std::string_view::npos; found = text.find(what)) {
    out += text.substr(0, found);
    out += with;
    text.remove_prefix(found + what.size());
  }
  return out += text;
}

namespace {

constexpr unsigned kDeepest = 8;

std::string normal_form(const std::string& text, int options) {
  utf8proc_uint8_t* out = nullptr;
  const auto flags = static_cast<utf8proc_option_t>(options | UTF8PROC_STABLE);
  const utf8proc_ssize_t size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                             static_cast<utf8proc_ssize_t>(text.size()), &out, flags);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner{out, &std::free};
  return size < 0 ? text : std::string{reinterpret_cast<const char*>(out), static_cast<std::size_t>(size)};
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const jinja::Character c = jinja::first_character(text);
    if (c.point == 0x130) {  // the one letter whose small form is two characters
      out += "i\u0307";
      text.remove_prefix(c.size);
      continue;
    }
    const auto lower = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.point)));
    if (lower == c.point) {
      out += text.substr(0, c.size);
    } else {
      jinja::append_utf8(out, lower);
    }
    text.remove_prefix(c.size);
  }
  return out;
}

// Every character as `change` makes it anew.
template <class Change>
std::string each_character(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const jinja::Character c = jinja::first_character(text);
    change(out, c.point, text.substr(0, c.size));
    text.remove_prefix(c.size);
  }
  return out;
}

utf8proc_category_t category_of(char32_t point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(point));
}

bool is_mark(char32_t point) {
  const utf8proc_category_t category = category_of(point);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC || category == UTF8PROC_CATEGORY_ME;
}

// The property White_Space, as Rust has it.
bool is_white(char32_t point) {
  return (point >= 0x9 && point <= 0xD) || point == 0x20 || point == 0x85 || point == 0xA0 || point == 0x1680 ||
         (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 || point == 0x202F ||
         point == 0x205F || point == 0x3000;
}

void append_clean(std::string& out, char32_t point, std::string_view text) {
  const bool line = point == '\t' || point == '\n' || point == '\r';  // control characters that stay
  const utf8proc_category_t category = category_of(point);
  const bool control = category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
                       category == UTF8PROC_CATEGORY_CO || category == UTF8PROC_CATEGORY_CS;
  if (point == 0 || point == 0xFFFD || (control && !line)) return;
  out += is_white(point) ? std::string_view{" "} : text;
}

// The blocks that BERT's authors call Chinese.
bool is_chinese(char32_t point) {
  constexpr std::pair<char32_t, char32_t> kBlocks[] = {{0x4E00, 0x9FFF},   {0x3400, 0x4DBF},   {0x20000, 0x2A6DF},
                                                       {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F}, {0x2B920, 0x2CEAF},
                                                       {0xF900, 0xFAFF},   {0x2F800, 0x2FA1F}};
  for (const auto& [first, last] : kBlocks) {
    if (point >= first && point <= last) return true;
  }
  return false;
}

std::string_view without_white(std::string_view text, bool left) {
  while (!text.empty()) {
    std::size_t size = 1;
    while (!left && size < text.size() && (static_cast<unsigned char>(text[text.size() - size]) & 0xC0U) == 0x80U) {
      ++size;
    }
    const std::string_view end = left ? text : text.substr(text.size() - size);
    const jinja::Character c = jinja::first_character(end);
    if (!is_white(c.point)) break;
    if (left) text.remove_prefix(c.size);
    if (!left) text.remove_suffix(size);
  }
  return text;
}

bool replace_matches(std::string& text, const Pattern& pattern, std::string_view with) {
  std::string out;
  std::size_t done = 0;
  const bool ended = pattern.search(text, [&](std::size_t begin, std::size_t end) {
    out.append(text, done, begin - done);
    out += with;
    done = end;
  });
  if (!ended) return false;
  out.append(text, done);
  text = std::move(out);
  return true;
}

}  // namespace

Result<Normalizer> Normalizer::make(const Value& config) {
  Normalizer made;
  Result<Unit> added = made.add(config, 0);
  if (!added) return std::move(added).error();
  return made;
}

Result<Unit> Normalizer::add_all(const Object& config, unsigned depth) {
  const Value* const all = config.find("normalizers");
  if (all == nullptr || !all->is(ValueKind::list)) return unsupported("normalizer", "Sequence");
  for (const Value& one : all->list()) {
    if (Result<Unit> added = add(one, depth + 1); !added) return added;
  }
  return Unit{};
}

void Normalizer::add_bert(const Object& config) {
  const bool small = flag_at(config, "lowercase", true);
  if (flag_at(config, "clean_text", true)) steps_.push_back({.kind = Step::Kind::clean});
  if (flag_at(config, "handle_chinese_chars", true)) steps_.push_back({.kind = Step::Kind::apart});
  if (flag_at(config, "strip_accents", small)) steps_.push_back({.kind = Step::Kind::without_accents_nfd});
  if (small) steps_.push_back({.kind = Step::Kind::lowercase});
}

Result<Unit> Normalizer::add_replace(const Object& config) {
  Written pattern = pattern_of(config);
  if (pattern.source.empty()) return unsupported("normalizer", "Replace");
  Step step{.kind = Step::Kind::replace, .with = std::string{text_at(config, "content")}};
  if (pattern.kind == Pattern::Kind::text) {
    step.what = std::move(pattern.source);
  } else {
    Result<Pattern> compiled = Pattern::compile(pattern.source, pattern.kind);
    if (!compiled) return std::move(compiled).error();
    step.pattern = std::make_shared<const Pattern>(*std::move(compiled));
  }
  steps_.push_back(std::move(step));
  return Unit{};
}

Result<Unit> Normalizer::add(const Value& config, unsigned depth) {
  if (config.is(ValueKind::none) || config.is(ValueKind::undefined)) return Unit{};
  if (!config.is(ValueKind::object) || depth > kDeepest) return unsupported("normalizer", "this");
  const Object& object = config.object();
  const std::string_view type = text_at(object, "type");
  using Kind = Step::Kind;
  constexpr std::pair<std::string_view, Kind> kForms[] = {{"NFC", Kind::nfc},
                                                          {"NFD", Kind::nfd},
                                                          {"NFKC", Kind::nfkc},
                                                          {"NFKD", Kind::nfkd},
                                                          {"Lowercase", Kind::lowercase},
                                                          {"StripAccents", Kind::without_accents}};
  for (const auto& [name, kind] : kForms) {
    if (type != name) continue;
    steps_.push_back({.kind = kind});
    return Unit{};
  }
  if (type == "Sequence") return add_all(object, depth);
  if (type == "Replace") return add_replace(object);
  if (type == "Prepend") {
    steps_.push_back({.kind = Kind::prepend, .what = "", .with = std::string{text_at(object, "prepend")}});
  } else if (type == "BertNormalizer") {
    add_bert(object);
  } else if (type == "Strip") {
    if (flag_at(object, "strip_left", true)) steps_.push_back({.kind = Kind::strip_left});
    if (flag_at(object, "strip_right", true)) steps_.push_back({.kind = Kind::strip_right});
  } else if (type == "Precompiled") {
    Result<Charsmap> map = Charsmap::make(text_at(object, "precompiled_charsmap"));
    if (!map) return std::move(map).error();
    steps_.push_back({.kind = Kind::charsmap, .map = std::make_shared<const Charsmap>(*std::move(map))});
  } else {
    return unsupported("normalizer", type);
  }
  return Unit{};
}

std::optional<std::string> Normalizer::apply(std::string text) const {
  for (const Step& step : steps_) {
    if (!apply_step(step, text)) return std::nullopt;
  }
  return text;
}

bool Normalizer::apply_step(const Step& step, std::string& text) {
  using Kind = Step::Kind;
  const auto keep = [](std::string& out, std::string_view character, bool wanted) {
    if (wanted) out += character;
  };
  switch (step.kind) {
    case Kind::nfc: text = normal_form(text, UTF8PROC_COMPOSE); break;
    case Kind::nfd: text = normal_form(text, UTF8PROC_DECOMPOSE); break;
    case Kind::nfkc: text = normal_form(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT); break;
    case Kind::nfkd: text = normal_form(text, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT); break;
    case Kind::lowercase: text = lowercase(text); break;
    case Kind::prepend:
      if (!text.empty()) text.insert(0, step.with);
      break;
    case Kind::replace:
      if (step.pattern != nullptr) return replace_matches(text, *step.pattern, step.with);
      text = replaced(text, step.what, step.with);
      break;
    case Kind::strip_left: text = std::string{without_white(text, true)}; break;
    case Kind::strip_right: text = std::string{without_white(text, false)}; break;
    case Kind::without_accents:
      text = each_character(text, [&](std::string& out, char32_t c, std::string_view s) { keep(out, s, !is_mark(c)); });
      break;
    case Kind::without_accents_nfd:
      text =
          each_character(normal_form(text, UTF8PROC_DECOMPOSE), [&](std::string& out, char32_t c, std::string_view s) {
            keep(out, s, category_of(c) != UTF8PROC_CATEGORY_MN);
          });
      break;
    case Kind::clean: text = each_character(text, append_clean); break;
    case Kind::apart:
      text = each_character(text, [](std::string& out, char32_t c, std::string_view s) {
        const std::string_view space = is_chinese(c) ? " " : "";
        out += space;
        out += s;
        out += space;
      });
      break;
    case Kind::charsmap: text = step.map->apply(text); break;
  }
  return true;
}

}  // namespace intragate::tokenizer

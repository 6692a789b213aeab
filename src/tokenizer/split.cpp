#include "tokenizer/split.h"

#include <utf8proc.h>

#include <cstdlib>

#include "base/text.h"
#include "jinja/text.h"

namespace intragate::tokenizer {
namespace {

using jinja::Object;
using jinja::Value;
using ValueKind = Value::Kind;

constexpr unsigned kDeepest = 8;
constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

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

// `{"String": "…"}` or `{"Regex": "…"}`.
struct Written {
  std::string source;
  Pattern::Kind kind = Pattern::Kind::text;
};
Written pattern_of(const Object& config) {
  const Value* const pattern = config.find("pattern");
  if (pattern == nullptr || !pattern->is(ValueKind::object)) return {};
  const std::string_view expression = text_at(pattern->object(), "Regex");
  if (!expression.empty()) return {.source = std::string{expression}, .kind = Pattern::Kind::expression};
  return {.source = std::string{text_at(pattern->object(), "String")}, .kind = Pattern::Kind::text};
}

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

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
  std::string out;
  for (std::size_t found = text.find(what); found != std::string_view::npos; found = text.find(what)) {
    out += text.substr(0, found);
    out += with;
    text.remove_prefix(found + what.size());
  }
  return out += text;
}

}  // namespace

Result<Normalizer> Normalizer::make(const Value& config) {
  Normalizer made;
  Result<Unit> added = made.add(config, 0);
  if (!added) return std::move(added).error();
  return made;
}

Result<Unit> Normalizer::add(const Value& config, unsigned depth) {
  if (config.is(ValueKind::none) || config.is(ValueKind::undefined)) return Unit{};
  if (!config.is(ValueKind::object) || depth > kDeepest) return unsupported("normalizer", "this");
  const Object& object = config.object();
  const std::string_view type = text_at(object, "type");
  if (type == "Sequence") {
    const Value* const all = object.find("normalizers");
    if (all == nullptr || !all->is(ValueKind::list)) return unsupported("normalizer", type);
    for (const Value& one : all->list()) {
      if (Result<Unit> added = add(one, depth + 1); !added) return added;
    }
    return Unit{};
  }
  using Kind = Step::Kind;
  constexpr std::pair<std::string_view, Kind> kForms[] = {{"NFC", Kind::nfc},
                                                          {"NFD", Kind::nfd},
                                                          {"NFKC", Kind::nfkc},
                                                          {"NFKD", Kind::nfkd},
                                                          {"Lowercase", Kind::lowercase}};
  for (const auto& [name, kind] : kForms) {
    if (type != name) continue;
    steps_.push_back({.kind = kind});
    return Unit{};
  }
  if (type == "Prepend") {
    steps_.push_back({.kind = Kind::prepend, .what = "", .with = std::string{text_at(object, "prepend")}});
    return Unit{};
  }
  Written pattern = pattern_of(object);
  if (type != "Replace" || pattern.source.empty() || pattern.kind != Pattern::Kind::text)
    return unsupported("normalizer", type);
  steps_.push_back(
      {.kind = Kind::replace, .what = std::move(pattern.source), .with = std::string{text_at(object, "content")}});
  return Unit{};
}

std::string Normalizer::apply(std::string text) const {
  for (const Step& step : steps_) {
    switch (step.kind) {
      case Step::Kind::nfc: text = normal_form(text, UTF8PROC_COMPOSE); break;
      case Step::Kind::nfd: text = normal_form(text, UTF8PROC_DECOMPOSE); break;
      case Step::Kind::nfkc: text = normal_form(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT); break;
      case Step::Kind::nfkd: text = normal_form(text, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT); break;
      case Step::Kind::lowercase: text = lowercase(text); break;
      case Step::Kind::prepend:
        if (!text.empty()) text.insert(0, step.with);
        break;
      case Step::Kind::replace: text = replaced(text, step.what, step.with); break;
    }
  }
  return text;
}

Result<Splitter> Splitter::make(const Value& config) {
  Splitter made;
  Result<Unit> added = made.add(config, 0);
  if (!added) return std::move(added).error();
  return made;
}

Result<Unit> Splitter::add_pattern(std::string_view source, Pattern::Kind kind, Step step) {
  Result<Pattern> pattern = Pattern::compile(source, kind);
  if (!pattern) return std::move(pattern).error();
  step.pattern = std::make_shared<const Pattern>(std::move(*pattern));
  steps_.push_back(std::move(step));
  return Unit{};
}

Result<Unit> Splitter::add_split(const Object& config) {
  const Written pattern = pattern_of(config);
  const std::string_view behavior = text_at(config, "behavior");
  if (pattern.source.empty()) return unsupported("pre_tokenizer", "Split without a pattern");
  Step step{.kind = Step::Kind::isolated, .inverted = flag_at(config, "invert", false)};
  if (behavior == "Removed") {
    step.kind = Step::Kind::removed;
  } else if (behavior == "MergedWithPrevious") {
    step.kind = Step::Kind::with_previous;
  } else if (behavior != "Isolated") {
    return unsupported("behavior", behavior);
  }
  return add_pattern(pattern.source, pattern.kind, std::move(step));
}

Result<Unit> Splitter::add_metaspace(const Object& config) {
  Step step{.kind = Step::Kind::metaspace};
  step.replacement = text_at(config, "replacement");
  if (step.replacement.empty()) step.replacement = "\u2581";
  const std::string_view scheme = text_at(config, "prepend_scheme");
  if (scheme == "first") step.prepend = Step::Prepend::first;
  if (scheme == "never" || (scheme.empty() && !flag_at(config, "add_prefix_space", true)))
    step.prepend = Step::Prepend::never;
  const std::string mark = step.replacement;
  steps_.push_back(std::move(step));
  if (!flag_at(config, "split", true)) return Unit{};
  // Words with the mark before them: a mark begins the next one.
  const std::string expression = "(?:\\Q" + mark + "\\E)?(?:(?!\\Q" + mark + "\\E).)*";
  return add_pattern("(?s)" + expression, Pattern::Kind::expression, {.kind = Step::Kind::isolated});
}

Result<Unit> Splitter::add(const Value& config, unsigned depth) {
  if (config.is(ValueKind::none) || config.is(ValueKind::undefined)) return Unit{};
  if (!config.is(ValueKind::object) || depth > kDeepest) return unsupported("pre_tokenizer", "this");
  const Object& object = config.object();
  const std::string_view type = text_at(object, "type");
  if (type == "Sequence") {
    const Value* const all = object.find("pretokenizers");
    if (all == nullptr || !all->is(ValueKind::list)) return unsupported("pre_tokenizer", type);
    for (const Value& one : all->list()) {
      if (Result<Unit> added = add(one, depth + 1); !added) return added;
    }
    return Unit{};
  }
  if (type == "ByteLevel") {
    byte_level_ = true;
    if (flag_at(object, "add_prefix_space", true)) steps_.push_back({.kind = Step::Kind::prefix_space});
    if (!flag_at(object, "use_regex", true)) return Unit{};
    return add_pattern(kGpt2, Pattern::Kind::expression, {.kind = Step::Kind::isolated});
  }
  if (type == "Split") return add_split(object);
  if (type == "Metaspace") return add_metaspace(object);
  if (type == "Digits") {
    const bool each = flag_at(object, "individual_digits", false);
    return add_pattern(each ? "\\p{N}" : "\\p{N}+", Pattern::Kind::expression, {.kind = Step::Kind::isolated});
  }
  return unsupported("pre_tokenizer", type);
}

void Splitter::mark_spaces(const Step& step, Words& words, bool first) {
  for (std::size_t i = 0; i < words.words.size(); ++i) {
    std::string text = replaced(words.words[i], " ", step.replacement);
    const bool wanted =
        step.prepend == Step::Prepend::always || (step.prepend == Step::Prepend::first && first && i == 0);
    if (wanted && !text.starts_with(step.replacement)) text.insert(0, step.replacement);
    words.words[i] = words.made.emplace_back(std::move(text));
  }
}

bool Splitter::cut(const Step& step, Words& words) {
  std::vector<std::string_view> out;
  for (const std::string_view word : words.words) {
    std::size_t done = 0;
    const auto piece = [&](std::size_t begin, std::size_t end, bool match) {
      if (begin == end) return;
      if (match && step.kind == Step::Kind::removed) return;
      const std::string_view text = word.substr(begin, end - begin);
      const bool joins = match && step.kind == Step::Kind::with_previous && begin > 0 && !out.empty();
      if (joins) {
        out.back() = std::string_view{out.back().data(), out.back().size() + text.size()};
      } else {
        out.push_back(text);
      }
    };
    const bool ended = step.pattern->search(word, [&](std::size_t begin, std::size_t end) {
      piece(done, begin, step.inverted);
      piece(begin, end, !step.inverted);
      done = end;
    });
    if (!ended) return false;
    piece(done, word.size(), step.inverted);
  }
  words.words = std::move(out);
  return true;
}

bool Splitter::split(Words& words, bool first) const {
  for (const Step& step : steps_) {
    if (step.kind == Step::Kind::metaspace) {
      mark_spaces(step, words, first);
    } else if (step.kind == Step::Kind::prefix_space) {
      for (std::string_view& word : words.words) {
        if (!word.starts_with(' ')) word = words.made.emplace_back(' ' + std::string{word});
      }
    } else if (!cut(step, words)) {
      return false;
    }
  }
  return true;
}

}  // namespace intragate::tokenizer

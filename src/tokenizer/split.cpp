#include "tokenizer/split.h"

#include "base/text.h"
#include "tokenizer/normalizer.h"

namespace intragate::tokenizer {
namespace {

using jinja::Object;
using jinja::Value;
using ValueKind = Value::Kind;

constexpr unsigned kDeepest = 8;
constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
// What Rust calls white space, punctuation and a word's character.
constexpr std::string_view kWhite =
    R"([\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+)";
constexpr std::string_view kPunctuation = R"([!-/:-@\[-`{-~]|\p{P})";
constexpr std::string_view kWords =
    R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}]+|)"
    R"([^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d})"
    R"(\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]+)";

}  // namespace

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
  return add_words(type, object);
}

Result<Unit> Splitter::add_words(std::string_view type, const Object& config) {
  constexpr Pattern::Kind kExpression = Pattern::Kind::expression;
  if (type == "WhitespaceSplit") return add_pattern(kWhite, kExpression, {.kind = Step::Kind::removed});
  if (type == "Whitespace") return add_pattern(kWords, kExpression, {.kind = Step::Kind::removed, .inverted = true});
  if (type == "BertPreTokenizer") {
    Result<Unit> added = add_pattern(kWhite, kExpression, {.kind = Step::Kind::removed});
    if (!added) return added;
    return add_pattern(kPunctuation, kExpression, {.kind = Step::Kind::isolated});
  }
  const std::string_view behavior = text_at(config, "behavior");
  if (type == "Punctuation" && (behavior.empty() || behavior == "Isolated")) {
    return add_pattern(kPunctuation, kExpression, {.kind = Step::Kind::isolated});
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

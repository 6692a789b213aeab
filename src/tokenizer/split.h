// How a tokenizer cuts a normalized text into words. Owner: a tokenizer. Thread: made by one, then any number may use
// it. Does not: know tokens. Rule: the `pre_tokenizer` of Hugging Face's tokenizer.json; kinds that are not known are
// refused.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "jinja/value.h"
#include "tokenizer/pattern.h"

namespace intragate::tokenizer {

// Words, and the memory of those that are no longer a piece of the text.
struct Words {
  std::vector<std::string_view> words;
  std::deque<std::string> made;
};

class Splitter {
 public:
  // null, Sequence, ByteLevel, Split, Digits, Metaspace, BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation.
  [[nodiscard]] static Result<Splitter> make(const jinja::Value& config);
  // False when a pattern costs too much on this text. `first`: the words begin
  // where the whole text begins.
  bool split(Words& words, bool first) const;
  [[nodiscard]] bool byte_level() const { return byte_level_; }

 private:
  struct Step {
    enum class Kind : std::uint8_t { prefix_space, metaspace, isolated, removed, with_previous } kind = Kind::isolated;
    std::shared_ptr<const Pattern> pattern{};
    bool inverted = false;      // the matches are what is between, and what is
                                // between is the match
    std::string replacement{};  // metaspace
    enum class Prepend : std::uint8_t { always, first, never } prepend = Prepend::always;
  };
  [[nodiscard]] Result<Unit> add(const jinja::Value& config, unsigned depth);
  [[nodiscard]] Result<Unit> add_pattern(std::string_view source, Pattern::Kind kind, Step step);
  [[nodiscard]] Result<Unit> add_split(const jinja::Object& config);
  [[nodiscard]] Result<Unit> add_words(std::string_view type, const jinja::Object& config);
  [[nodiscard]] Result<Unit> add_metaspace(const jinja::Object& config);
  static bool cut(const Step& step, Words& words);
  static void mark_spaces(const Step& step, Words& words, bool first);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

}  // namespace intragate::tokenizer

// What a tokenizer does with a text before it is cut into words. Owner: a tokenizer. Thread: made by one, then any
// number may use it. Does not: know tokens. Rule: the `normalizer` of Hugging Face's tokenizer.json; kinds that are not
// known are refused.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "jinja/value.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/pattern.h"

namespace intragate::tokenizer {

// What a `pattern` says: `{"String": "…"}` or `{"Regex": "…"}`.
struct Written {
  std::string source;
  Pattern::Kind kind = Pattern::Kind::text;
};
[[nodiscard]] Written pattern_of(const jinja::Object& config);
[[nodiscard]] std::string_view text_at(const jinja::Object& object, std::string_view key);
[[nodiscard]] bool flag_at(const jinja::Object& object, std::string_view key, bool otherwise);
[[nodiscard]] std::string replaced(std::string_view text, std::string_view what, std::string_view with);
[[nodiscard]] Error unsupported(std::string_view what, std::string_view kind);

class Normalizer {
 public:
  // null, Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace, Strip, StripAccents, BertNormalizer,
  // Precompiled.
  [[nodiscard]] static Result<Normalizer> make(const jinja::Value& config);
  // Nothing when a pattern costs too much on this text.
  [[nodiscard]] std::optional<std::string> apply(std::string text) const;
  [[nodiscard]] bool changes() const { return !steps_.empty(); }

 private:
  struct Step {
    enum class Kind : std::uint8_t {
      nfc,
      nfd,
      nfkc,
      nfkd,
      lowercase,
      prepend,
      replace,
      strip_left,
      strip_right,
      without_accents,      // as StripAccents: all marks
      without_accents_nfd,  // as BERT: taken apart first, and only those that need no room
      clean,                // without control characters, white space as spaces
      apart,                // Chinese characters with spaces around them
      charsmap,
    };
    Kind kind = Kind::nfc;
    std::string what{};
    std::string with{};
    std::shared_ptr<const Pattern> pattern{};  // of replace, where it is an expression
    std::shared_ptr<const Charsmap> map{};
  };
  [[nodiscard]] Result<Unit> add(const jinja::Value& config, unsigned depth);
  [[nodiscard]] Result<Unit> add_all(const jinja::Object& config, unsigned depth);
  [[nodiscard]] Result<Unit> add_replace(const jinja::Object& config);
  void add_bert(const jinja::Object& config);
  static bool apply_step(const Step& step, std::string& text);
  std::vector<Step> steps_;
};

}  // namespace intragate::tokenizer

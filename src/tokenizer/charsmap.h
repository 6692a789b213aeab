// SentencePiece's own normalizing, as a tokenizer.json carries it (`precompiled_charsmap`): which texts become which,
// in a double-array trie. Owner: a normalizer, unchanged for ever. Thread: any.
// Does not: trust the array: every step is within it. Rule: Hugging Face's spm_precompiled: whole grapheme clusters of
// less than six bytes first, then characters; the shortest match counts for the whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace intragate::tokenizer {

class Charsmap {
 public:
  // Errors: invalid_configuration.
  [[nodiscard]] static Result<Charsmap> make(std::string_view base64);
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  [[nodiscard]] std::optional<std::string_view> becomes(std::string_view text) const;
  void append(std::string& out, std::string_view cluster) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;  // each ends with a NUL
};

}  // namespace intragate::tokenizer

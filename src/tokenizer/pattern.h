// A regular expression as tokenizers use them: Unicode, matched from left to right without overlaps. Owner: a splitter.
// Thread: compiled by one, then any number may search. Does not: capture groups.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"

struct pcre2_real_code_8;

namespace intragate::tokenizer {

class Pattern {
 public:
  enum class Kind : std::uint8_t { expression, text };  // text: every character means itself
  // Errors: invalid_configuration.
  [[nodiscard]] static Result<Pattern> compile(std::string_view source, Kind kind);

  // `found(begin, end)` for each match that is not empty. False when the search costs too much (a pattern that tries
  // without end), or the text is no UTF-8.
  bool search(std::string_view text, const std::function<void(std::size_t, std::size_t)>& found) const;

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  explicit Pattern(pcre2_real_code_8* code) : code_{code} {}
  std::unique_ptr<pcre2_real_code_8, Free> code_;
};

}  // namespace intragate::tokenizer

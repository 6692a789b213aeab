// An expression to look for, and whether one may have begun at the end of a text. Owner: the rule; immutable. Thread:
// any. Does not: keep state between pieces (scanner.h does). Rule: RE2's syntax; of matches that begin at the same
// place the longest counts. Time is linear in the text, whatever the expression: a match costs a look at 8 KiB at most.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace intragate::content {

inline constexpr std::size_t kLongestPattern = 512;  // bytes
inline constexpr std::size_t kLongestMatch = 4096;

class Pattern {
 public:
  // Errors: invalid_configuration: no expression, too long, too large, or one that finds nothing everywhere.
  static Result<Pattern> make(std::string_view expression);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  // The first one that begins at `from` or behind it. What is before `from` is looked at for \b only. One that is
  // longer than kLongestMatch may be missed.
  [[nodiscard]] std::optional<Match> find(std::string_view text, std::size_t from) const;
  // Where, from `from` on, the text begins that may become a match, or a longer one, when more follows; its size:
  // nowhere.
  [[nodiscard]] std::size_t begun(std::string_view text, std::size_t from) const;

 private:
  Pattern(std::unique_ptr<const re2::RE2> whole, std::unique_ptr<const re2::RE2> prefix);
  std::unique_ptr<const re2::RE2> whole_;
  std::unique_ptr<const re2::RE2> prefix_;
};

}  // namespace intragate::content

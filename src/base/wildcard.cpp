#include "base/wildcard.h"

#include <cstddef>

namespace intragate {

// Greedy: only the last `*` ever has to take more, because whatever an earlier one takes, the rest fits no better.
bool matches_wildcard(std::string_view pattern, std::string_view text) {
  constexpr std::size_t kNone = std::string_view::npos;
  std::size_t at = 0;        // in the pattern
  std::size_t star = kNone;  // the last one passed
  std::size_t resume = 0;    // where in the text what follows it was last tried
  for (std::size_t i = 0; i < text.size();) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = i;
    } else if (at < pattern.size() && pattern[at] == text[i]) {
      ++at;
      ++i;
    } else if (star != kNone) {
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace intragate

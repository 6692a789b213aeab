// Patterns in which `*` stands for any run of bytes, none included. Pure. Thread: any. Does not: know `?`, sets or
// escapes; every other byte stands for itself.
#pragma once

#include <string_view>

namespace intragate {

// Whether `text` as a whole is one that `pattern` describes. Time: at most the product of their lengths; no recursion.
[[nodiscard]] bool matches_wildcard(std::string_view pattern, std::string_view text);

}  // namespace intragate

// Of an expression the one that finds its beginnings: whatever could still become a match if more text followed. The
// scanner holds back from there. Pure. Owner: the caller. Thread: any. Does not: match (pattern.h).
// Rule: RE2's syntax without what is of no use here: \Q…\E, \C, octal numbers, flags in the middle.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace intragate::content {

// An expression that matches, at the end of a text, every beginning of a match of `pattern`; a little more, because
// ^, $ and \b count as met. Errors: invalid_configuration, with what is not understood.
[[nodiscard]] Result<std::string> prefix_pattern(std::string_view pattern);

}  // namespace intragate::content

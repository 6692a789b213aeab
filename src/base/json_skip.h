// Jumps over a JSON string, or over an object or array with all it holds, in 64-byte blocks: the part of the body
// scanner that touches nearly every byte. One implementation per instruction set; all give the same answers and never
// read outside the text. docs/decisions/0003-body-scanner.md says why it is done so.
// Owner: the caller; plain functions. Thread: any.
// Does not: check what lies inside beyond closed strings, the count of brackets (without limit: depth is a number, not
// a recursion) and that no backslash stands outside a string.
// Rule: RFC 8259; Langdale & Lemire, "Parsing gigabytes of JSON per second", 2019 (the bit arithmetic).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace intragate::json {

struct Skipper {
  std::string_view name;  // "avx2", "sse2", "portable"

  // `from`: just behind an opening quote. The offset just behind the closing one; npos when the text ends before it.
  std::size_t (*string)(std::string_view text, std::size_t from);

  // `from`: an opening bracket, `{` or `[`. The offset just behind the bracket that brings the depth back to zero, of
  // either kind; npos when the text ends before it or a backslash stands outside a string.
  std::size_t (*container)(std::string_view text, std::size_t from);
};

// Those that this machine can run, the fastest first; the last one is "portable".
[[nodiscard]] std::span<const Skipper> skippers();

}  // namespace intragate::json

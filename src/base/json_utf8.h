// UTF-8, one character at a time: what the JSON writer mends and the JSON reader refuses.
// Owner: the caller. Thread: any. Does not: know JSON, locales, normal forms. Rule: RFC 3629; Unicode 15, table 3-7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::json {

struct Utf8Piece {
  std::size_t length = 1;  // bytes; of a broken sequence as much of its beginning as was right, at least 1
  bool valid = false;
};

// The character that begins at `at` (< text.size()). Overlong forms, surrogates and what lies above U+10FFFF are not
// valid.
[[nodiscard]] Utf8Piece utf8_piece(std::string_view text, std::size_t at);

// Appends a code point up to U+10FFFF that is no surrogate.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace intragate::json

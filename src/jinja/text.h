// Text as Python sees it: characters are code points, white space and digits are Unicode's, numbers print as Python
// prints them.
// Owner: the caller; plain functions. Thread: any. Does not: know grapheme clusters or locales; bytes that are not
// UTF-8 count as one character each. Upper and lower case are those of ASCII, Latin-1, Greek and Cyrillic.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace intragate::jinja {

// The inside of a quoted text with Python's escapes taken apart.
[[nodiscard]] std::string python_literal(std::string_view quoted);
void append_utf8(std::string& out, char32_t point);

// One character off the front. REQUIRES: not empty.
struct Character {
  char32_t point = 0;
  std::size_t size = 1;
};
[[nodiscard]] Character first_character(std::string_view text);
[[nodiscard]] std::size_t count_characters(std::string_view text);
[[nodiscard]] std::vector<std::string_view> characters(std::string_view text);

[[nodiscard]] bool is_space(char32_t point);
[[nodiscard]] char32_t upper(char32_t point);
[[nodiscard]] char32_t lower(char32_t point);
[[nodiscard]] std::string upper(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::string capitalized(std::string_view text);
[[nodiscard]] std::string titled(std::string_view text);

enum class Side : std::uint8_t { left, right, both };
// Without the white space, or the characters of `what`, at its ends.
[[nodiscard]] std::string_view stripped(std::string_view text, Side side);
[[nodiscard]] std::string_view stripped(std::string_view text, Side side, std::string_view what);

// `1.0`, `0.1`, `1e+16`: the shortest text that is the same number.
[[nodiscard]] std::string real_text(double number);

}  // namespace intragate::jinja

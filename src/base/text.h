// Small pieces of text handling that several folders need: trimming, strict numbers, legal text, the word that was
// meant. Owner: the caller; views point into what was passed. Thread: any. Does not: know locales; letters are ASCII
// letters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace intragate::text {

// Without spaces, tabs and carriage returns at both ends.
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
// The value of a hexadecimal digit, or -1.
[[nodiscard]] int hex_value(char c);

// The number that `text` spells in decimal digits and nothing else; nothing when it is empty, signed or above 2^64 - 1.
[[nodiscard]] std::optional<std::uint64_t> parse_unsigned(std::string_view text);

// Offset of the first byte that does not belong into a text file: a control character (other than tab, line feed and a
// carriage return before a line feed) or a byte that is not UTF-8 (RFC 3629); nothing when all is well.
[[nodiscard]] std::optional<std::size_t> first_illegal_byte(std::string_view text);

// The known word that was probably meant by `word`: the closest one in letters changed, added, dropped or swapped, if
// it is close enough (a third of the letters); empty: none. Upper and lower case count as the same.
[[nodiscard]] std::string_view closest_word(std::string_view word, std::span<const std::string_view> known);

// Of what a person wrote, as much as a message may show: in backquotes, control characters replaced, shortened to 60
// bytes; what may hold credentials (an `@`) is not shown.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace intragate::text

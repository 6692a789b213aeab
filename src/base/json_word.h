// Eight bytes looked at as one number: finds quotes, backslashes and controls without looking at each byte.
// Owner: the caller. Thread: any. Does not: depend on an instruction set. For the JSON reader and writer alone.
// Rule: "Hacker's Delight" (Warren), section 6-1.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace intragate::json {

static_assert(std::endian::native == std::endian::little, "the first byte of a text must be the lowest of a word");

using Word = std::uint64_t;
inline constexpr Word kOnes = 0x0101010101010101;
inline constexpr Word kHighBits = 0x8080808080808080;

// REQUIRES: eight readable bytes.
inline Word load_word(const char* bytes) {
  Word word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

// The three marks have 0x80 in the first byte that meets the condition, if one does. Above it they may be wrong.
inline Word mark_below(Word word, unsigned limit) {
  return (word - kOnes * limit) & ~word & kHighBits;
}  // limit ≤ 128
inline Word mark_equal(Word word, char c) {
  return mark_below(word ^ (kOnes * static_cast<unsigned char>(c)), 1);
}
inline Word mark_special(Word word) {
  return mark_below(word, 0x20) | mark_equal(word, '"') | mark_equal(word, '\\');
}

// Bytes before the first marked one; 8 when none is.
inline std::size_t bytes_before(Word marks) {
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

}  // namespace intragate::json

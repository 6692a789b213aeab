// A fast hash of bytes, 64 bits: for tables, shares and places, not for secrets.
// Owner: plain values. Thread: any. Does not: withstand whoever knows the seed and aims at collisions.
// Rule: wyhash's folded multiplication (Wang Yi), seeded. The same seed and bytes give the same number in every process
// of one byte order.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace intragate {

[[nodiscard]] inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

[[nodiscard]] inline std::uint64_t hash_of(std::string_view bytes, std::uint64_t seed) {
  constexpr std::uint64_t kFirst = 0xa0761d6478bd642fU;
  constexpr std::uint64_t kSecond = 0xe7037ed1a0b428dbU;
  const auto word_at = [&](std::size_t at, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, count);
    return word;
  };
  std::uint64_t hash = fold(seed ^ kFirst, bytes.size() ^ kSecond);
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) hash = fold(hash ^ word_at(at, 8), kFirst);
  if (at < bytes.size()) hash = fold(hash ^ word_at(at, bytes.size() - at), kFirst);
  return fold(hash, kSecond);
}

}  // namespace intragate

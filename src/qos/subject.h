// Subject: who something is counted for, as 64 bits: a key, an end user of a key, an address, a model. A hash of the
// name, so that no name is kept or compared on the way of a call.
// Owner: plain values. Thread: any. Does not: keep names, hash secrets.
// Rule: wyhash's folded multiplication (Wang Yi), seeded. Two names that meet (2⁻⁶⁴ a pair, and nobody can aim without
// the seed) share what they are counted for, nothing worse.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace intragate::qos {

enum class Subject : std::uint64_t {};

namespace detail {

inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline std::uint64_t word_at(const char* from, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, count);
  return word;
}

}  // namespace detail

// The subject of a name. `seed`: a number of the process, drawn at start; the same seed gives the same subject.
[[nodiscard]] inline Subject subject_of(std::string_view name, std::uint64_t seed) {
  constexpr std::uint64_t kFirst = 0xa0761d6478bd642fU;
  constexpr std::uint64_t kSecond = 0xe7037ed1a0b428dbU;
  std::uint64_t hash = detail::fold(seed ^ kFirst, name.size() ^ kSecond);
  std::size_t at = 0;
  for (; at + 8 <= name.size(); at += 8) hash = detail::fold(hash ^ detail::word_at(name.data() + at, 8), kFirst);
  if (at < name.size()) hash = detail::fold(hash ^ detail::word_at(name.data() + at, name.size() - at), kFirst);
  return Subject{detail::fold(hash, kSecond)};
}

// An end user of a key: the same name under another key is somebody else. Without a name: the key's own bucket.
[[nodiscard]] inline Subject user_of(Subject key, std::string_view user) {
  return user.empty() ? key : subject_of(user, static_cast<std::uint64_t>(key));
}

}  // namespace intragate::qos

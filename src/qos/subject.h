// Subject: who something is counted for, as 64 bits: a key, an end user of a key, an address, a model. A hash of the
// name, so that no name is kept or compared on the way of a call.
// Owner: plain values. Thread: any. Does not: keep names, hash secrets.
// Rule: base/hash.h, seeded. Two names that meet (2⁻⁶⁴ a pair, and nobody can aim without the seed) share what they are
// counted for, nothing worse.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace intragate::qos {

enum class Subject : std::uint64_t {};

// The subject of a name. `seed`: a number of the process, drawn at start; the same seed gives the same subject.
[[nodiscard]] inline Subject subject_of(std::string_view name, std::uint64_t seed) {
  return Subject{hash_of(name, seed)};
}

// An end user of a key: the same name under another key is somebody else. Without a name: the key's own bucket.
[[nodiscard]] inline Subject user_of(Subject key, std::string_view user) {
  return user.empty() ? key : subject_of(user, static_cast<std::uint64_t>(key));
}

}  // namespace intragate::qos

// YAML text to a tree. The part of YAML 1.2 that people write by hand: no anchors, aliases, tags or second documents,
// so that a small file cannot unfold into a large one. Owner: the caller. Thread: any. Does not: read files, know keys.
// Exceptions of the YAML library end here.
#pragma once

#include <optional>
#include <string_view>

#include "config/tree.h"

namespace intragate::config {

inline constexpr std::size_t kLargestFile = std::size_t{1} << 20;  // bytes
inline constexpr std::size_t kDeepestNesting = 32;                 // mappings and sequences within each other
inline constexpr std::size_t kMostNodes = 50'000;

// The tree of the one document in `text`; nothing when it cannot be read, and then `problems` says why. Duplicate keys
// are reported too, but reading goes on with the first.
[[nodiscard]] std::optional<Node> parse_yaml(std::string_view text, Problems& problems);

}  // namespace intragate::config

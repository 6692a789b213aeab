// The hash chain: every record ends with the hash of the one before it (`prev`) and its own (`hash`), so that a record
// that was changed, removed, moved or put in is found by anybody who has the files and SHA-256.
// Rule (docs/audit.md): `hash` is SHA-256 over the bytes of the line from its `{` up to, and without, `,"hash":`. These
// bytes hold `prev`. Owner: plain values. Thread: any; records are sealed on the writer's. Does not: know fields.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace intragate::audit {

using HashText = std::array<char, 64>;  // lower-case hexadecimal digits
[[nodiscard]] inline std::string_view view(const HashText& hash) {
  return {hash.data(), hash.size()};
}
[[nodiscard]] std::optional<HashText> parse_hash(std::string_view text);

// The end of a chain: its last record. The first record of all follows this one: number 0, 64 zeros.
struct Link {
  std::uint64_t seq = 0;
  HashText hash = [] {
    HashText zeros{};
    zeros.fill('0');
    return zeros;
  }();
  friend bool operator==(const Link&, const Link&) = default;
};

// Completes the record that begins at `begin` of `out` and lacks its end: appends `prev`, `hash`, `}` and a line feed.
// REQUIRES: last.seq is its number already. Afterwards `last` is this record.
void seal(std::string& out, std::size_t begin, Link& last);

// A line of an audit file, taken apart as seal() made it; views into the line.
struct SealedLine {
  std::uint64_t seq = 0;
  std::string_view hashed;  // what the hash is over
  std::string_view prev;
  std::string_view hash;
};
// Nothing: the line (without its line feed) does not have the form of a record.
[[nodiscard]] std::optional<SealedLine> read_sealed(std::string_view line);
[[nodiscard]] HashText computed_hash(const SealedLine& line);
// Whether the hash fits the bytes.
[[nodiscard]] inline bool intact(const SealedLine& line) {
  return view(computed_hash(line)) == line.hash;
}

// What a signature of a checkpoint or of the head is over.
[[nodiscard]] std::string signed_text(const Link& link);

}  // namespace intragate::audit

// The one table of the configuration file's keys: where each stands, what it holds, its default and its range. The
// reader, the suggestions, docs/configuration.md and docs/configuration.schema.json are all held against it
// (tests/unit/config). Owner: nobody, constant. Thread: any. Does not: read values (section.h), say what keys mean
// (docs/configuration.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace intragate::config {

enum class Shape : std::uint8_t {
  text,
  path,  // relative ones begin at the file's folder
  url,
  pointer,  // RFC 6901
  duration,
  duration_or_off,
  duration_or_p95,
  size,
  count,
  count_or_auto,
  percent,
  flag,
  choice,     // one of `values`
  auth_type,  // one of `values`, of which header:NAME carries a name
  address,    // IP:port
  ranges,     // private, any, or a list of CIDR
  secret,     // may be file:/path
  moment,
  names,     // list of texts
  pairs,     // mapping of names that are not ours to secrets
  section,   // mapping
  sections,  // list of mappings
};

// What happens to a key that a file has.
enum class Use : std::uint8_t {
  read,
  ignored,      // known, without effect in this version: a warning
  unavailable,  // known, and dangerous to leave without effect: a problem
};

inline constexpr std::string_view kRequired = "required";

struct KeyRow {
  std::string_view path;  // models[].timeouts.first_byte
  Shape shape = Shape::text;
  std::string_view fallback{};  // the default as a file would say it; empty: none; or kRequired
  std::string_view values{};    // choice: "a | b"; numbers, sizes, durations: "low..high"
  std::string_view later{};     // choice: words of a later version; a trailing * stands for anything
  Use use = Use::read;
};

[[nodiscard]] std::span<const KeyRow> key_table();

// The row of a path as messages write it, `models[0].name`; null: no such key.
[[nodiscard]] const KeyRow* find_key(std::string_view path);

// The keys directly below `path` (empty: the top), by their last names.
[[nodiscard]] std::vector<const KeyRow*> keys_below(std::string_view path);

// The last part of a path: `first_byte`.
[[nodiscard]] std::string_view last_name(std::string_view path);

// `models[0].timeouts` as the table writes it: `models[].timeouts`.
[[nodiscard]] std::string table_path(std::string_view path);

// The parts of `a | b | c`.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view words);

// Whether `pattern`, a word in which * stands for any run of letters, fits at least one of the words `a | b | c`.
[[nodiscard]] bool fits_a_word(std::string_view pattern, std::string_view words);

// What a key holds, for people: "duration 1ms..1h", "one of `none`, `bearer`".
[[nodiscard]] std::string describe(const KeyRow& row);

}  // namespace intragate::config

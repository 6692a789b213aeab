// What a start finds of an earlier run: where the chain ends, and whether that is where it should. It becomes the
// detail of the record `start`, so that the chain itself says what a crash or a hand left behind. Owner: a plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/chain.h"

namespace intragate::audit {

struct Found {
  bool any_file = false;
  Link last;                     // the last record that has the form of one
  bool stopped = false;          // it is a `stop`
  bool damaged = false;          // whole lines behind it that are none, or its own hash does not fit
  std::uint64_t torn_bytes = 0;  // of a line without end, cut off
  enum class Head : std::uint8_t { none, unreadable, fits, behind, ahead, differs } head = Head::none;
  std::uint64_t head_seq = 0;
  HashText head_hash{};
  std::string head_signature{};
  bool head_unsigned = false;  // though there is a key: not signed, or not by it
};

// Where the chain goes on: numbers that the head knows of are not given twice, though their records are gone.
[[nodiscard]] Link next_link(const Found& found);
// `clean` or `new` alone, or what is not as it should be: docs/audit.md has the list.
[[nodiscard]] std::vector<std::string_view> found_words(const Found& found);
// {"version":…,"found":[…],…}: the detail of the record.
[[nodiscard]] std::string found_json(const Found& found, std::string_view version);

}  // namespace intragate::audit

// Finds what people must not send: numbers of phones, identity cards and bank
// cards, mail addresses, IP addresses, API keys. Pure functions over text.
// Owner: the caller. Thread: any. Does not: read words, keep state between
// pieces (scanner.h does). Rule: GB 11643-1999 (identity numbers), ISO/IEC
// 7812-1 (Luhn), RFC 5321 (what mail addresses are made of, without quoted
// ones), RFC 4291 (IPv6 text).
#pragma once

#include <bitset>
#include <string_view>
#include <vector>

#include "content/finding.h"

namespace intragate::content {

using Kinds = std::bitset<kKinds>;
inline constexpr std::size_t kLongestRun = 512;

// Everything looked for lies within a run: ASCII letters, digits and `._%+@:-`,
// and a space between two digits. What ends a run ends whatever was in it.
[[nodiscard]] bool is_run_character(char c);
// Where what may still become a finding of these kinds begins at the end of `text`; its size: nowhere. That is the run
// that reaches to the end; where only numbers are looked for, of that what may belong to one. A space behind a digit
// counts, for a digit may follow.
[[nodiscard]] std::size_t last_run(std::string_view text, Kinds kinds);

// Appends what `text` holds, in order and without overlaps, `offset` added to
// the places. REQUIRES: `text` ends where a run ends.
void find_personal_data(std::string_view text, Kinds kinds, std::uint64_t offset, std::vector<Finding>& found);

}  // namespace intragate::content

// Moments as text: RFC 3339 for records and logs, HTTP-date for headers. Plain functions over values. Thread: any.
// Does not: read a clock, know time zones (everything is UTC).
// Rule: RFC 3339 section 5.6, RFC 9110 section 5.6.7 (IMF-fixdate; its two obsolete forms are not read).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace intragate {

// Appends `2026-01-31T12:34:56.789Z`. Sub-milliseconds are cut off, not rounded: a record never lies in the future.
void append_rfc3339(std::string& out, WallTime at);
// The same into memory with room for kRfc3339Size characters; returns their end.
char* write_rfc3339(char* to, WallTime at);
inline constexpr std::size_t kRfc3339Size = 24;

// `Sun, 06 Nov 1994 08:49:37 GMT`. Nothing for any other form, an impossible date, or a year outside 1970 … 2200.
[[nodiscard]] std::optional<WallTime> parse_http_date(std::string_view text);

}  // namespace intragate

// Values as people write them: durations and sizes (config/load.h), percentages, moments. Pure functions.
// Owner: the caller. Thread: any. Does not: know keys or ranges. Rule for moments: RFC 3339 section 5.6, UTC only.
// Errors: invalid_configuration; `message` says what is wrong, `detail` what was probably meant, or nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "config/load.h"

namespace intragate::config {

// "20%".
[[nodiscard]] Result<std::uint64_t> parse_percent(std::string_view text);
// "250"; no sign, no fraction, no unit.
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view text);
// "2027-01-01T00:00:00Z"; years 1970 … 2200.
[[nodiscard]] Result<WallTime> parse_utc(std::string_view text);

}  // namespace intragate::config

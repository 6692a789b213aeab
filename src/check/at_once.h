// Several calls at once: how long each takes. Owner: the caller, whose asker outlives the task. Thread: its loop.
#pragma once

#include <cstdint>
#include <string>

#include "check/asker.h"

namespace intragate::check {

enum class Watch : std::uint8_t { first_byte, end };
// The median of what `calls` equal requests take that begin together; a request that fails takes kNever.
[[nodiscard]] net::Task<Duration> median_at_once(Asker& asker, std::string path, std::string body, Watch watch,
                                                 std::uint32_t calls);

}  // namespace intragate::check

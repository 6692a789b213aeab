// JSON made into values. Owner: the caller. Thread: any.
// Does not: keep the bytes, or the spelling of numbers: whole ones beyond 64 bits become floating ones.
// Rule: RFC 8259; of a key that comes twice the last value counts, as in Python.
#pragma once

#include <string_view>

#include "base/result.h"
#include "jinja/value.h"

namespace intragate::jinja {

// Errors: invalid_json; also for more than kDeepest brackets within each other.
[[nodiscard]] Result<Value> from_json(std::string_view text);

}  // namespace intragate::jinja

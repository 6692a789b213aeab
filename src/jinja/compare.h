// Which values are equal, and which comes first, as in Python: 1 is 1.0 is True; texts by their characters.
// Owner: none; plain functions. Thread: any. Does not: compare objects other than for equality.
#pragma once

#include "jinja/value.h"
#include "jinja/work.h"

namespace intragate::jinja {

[[nodiscard]] bool equal(const Value& a, const Value& b, Work& work);
// Negative, zero or positive; values of kinds that have no order are a failure.
[[nodiscard]] int order(const Value& a, const Value& b, Work& work);
[[nodiscard]] bool contains(const Value& container, const Value& item, Work& work);

// What Python calls the kind, for messages.
[[nodiscard]] std::string_view kind_name(const Value& value);

}  // namespace intragate::jinja

// What follows the `?` of an admin URL, as names and values (HTML's form encoding).
// Owner: none, pure functions. Thread: any. Does not: know what the names mean.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace intragate::admin {

using Query = std::map<std::string, std::string, std::less<>>;

// Errors: invalid_request, when a name is none of `known`, stands twice, has no value or a broken escape: a slip of the
// pen must not be taken for a question about everybody.
[[nodiscard]] Result<Query> read_query(std::string_view query, std::span<const std::string_view> known);

// A value as it may stand in a query: everything but letters, digits and a few marks as %XX.
[[nodiscard]] std::string encoded(std::string_view text);

}  // namespace intragate::admin

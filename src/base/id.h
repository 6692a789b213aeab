// Request ids: `req_` and 24 characters that are safe in URLs, file names and spoken aloud (no i, l, o, u).
// 120 random bits: unique, not secret. Owner: the exchange; a plain value without heap memory. Thread: any.
#pragma once

#include <array>
#include <string_view>

#include "base/random.h"

namespace intragate {

struct RequestId {
  std::array<char, 28> text{};
  [[nodiscard]] std::string_view view() const { return {text.data(), text.size()}; }
};

[[nodiscard]] RequestId new_request_id(Random& random = thread_random());

// Whether an `x-request-id` that a client sent may be kept: 1 … 128 characters of A-Z a-z 0-9 - _ . : / + = @.
// Others are replaced by a new one, so that an id can stand in logs, headers and shell commands as it is.
[[nodiscard]] bool acceptable_request_id(std::string_view id);

}  // namespace intragate

// Live calls as the admin API says and understands them: GET /calls, POST /calls/cancel (docs/calls.md).
// Owner: none, pure functions. Thread: any. Does not: find calls (they are asked through Server::Views).
// Errors: invalid_request, with a sentence for the administrator.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "llm/live_call.h"

namespace intragate::admin {

// What follows the `?` of GET /calls: user, key and model, each once and none of them empty.
[[nodiscard]] Result<llm::CallFilter> read_list_query(std::string_view query);

// The body of POST /calls/cancel: {"id":…}, {"user":…}, {"key":…} or {"user":…,"key":…}. Nothing else, and nothing
// empty, lest a slip of the pen should end every call.
[[nodiscard]] Result<llm::CallFilter> read_cancel_body(std::string_view body);

// A JSON array.
[[nodiscard]] std::string calls_json(const std::vector<llm::LiveCall>& calls);

}  // namespace intragate::admin

// What an attempt's end means: for the client, for its endpoint's health and capacity, for metrics and log.
// Owner: dispatch and hedge. Thread: one loop. Does not: retry, relay.
#pragma once

#include <optional>

#include "base/error.h"
#include "pipeline/exchange.h"

namespace intragate::pipeline {

// The error that ended the attempt; none: its answer may be relayed. What a connection that died in the pool says
// (Retry::fresh_connection) is passed on uncounted: the model never saw the call.
[[nodiscard]] std::optional<Error> judge(Exchange& x, Attempt& a, Result<Unit> received);

// What the caller is to blame for goes to him as the model said it: 4xx, except about our own credentials.
[[nodiscard]] bool passes_unchanged(int status);

// Gives back what the attempt holds; its connection is kept if the answer was read to its end.
void release(Attempt& a);

}  // namespace intragate::pipeline

// A call on its way to an endpoint once more: after its answer broke off and its request was made anew, or with the
// next part of its request. Owner: continuation.cpp, parts.cpp. Thread: one loop.
#pragma once

#include "net/task.h"
#include "pipeline/station.h"

namespace intragate::pipeline {

// Leaves the endpoint, and finds another one as after any failed attempt: within retry.attempts and retry.budget, after
// the pause, perhaps after some more attempts. Errors: those of dispatch.
[[nodiscard]] net::Task<Result<Next>> dispatch_again(Exchange& x);

// The exchange's request, one of several of the same call, from the choice of an endpoint on. Errors: those of
// dispatch.
[[nodiscard]] net::Task<Result<Next>> dispatch_part(Exchange& x);

}  // namespace intragate::pipeline

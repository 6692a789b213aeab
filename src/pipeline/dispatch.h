// A call on its way to an endpoint once more, after its answer broke off and its request was made anew.
// Owner: continuation.cpp. Thread: one loop.
#pragma once

#include "net/task.h"
#include "pipeline/station.h"

namespace intragate::pipeline {

// Leaves the endpoint, and finds another one as after any failed attempt: within retry.attempts and retry.budget, after
// the pause, perhaps after some more attempts. Errors: those of dispatch.
[[nodiscard]] net::Task<Result<Next>> dispatch_again(Exchange& x);

}  // namespace intragate::pipeline

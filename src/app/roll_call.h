// Asks every loop for its calls, or to end them: a message to each loop and one back, so that nothing is shared.
// Owner: whoever awaits it. Thread: the first worker's loop, where the admin server runs. Does not: know HTTP.
#pragma once

#include <vector>

#include "base/result.h"
#include "llm/live_call.h"
#include "net/task.h"
#include "net/wait.h"
#include "pipeline/worker.h"

namespace intragate::app {

// pipeline::list_calls or pipeline::cancel_calls.
using CallsOfOne = std::vector<llm::LiveCall> (*)(pipeline::Worker& worker, const llm::CallFilter& filter);

// The oldest call first. `workers` outlive the messages, even those that come too late. Errors: internal, when a loop
// does not answer in time.
[[nodiscard]] net::Task<Result<std::vector<llm::LiveCall>>> ask_every_loop(std::vector<pipeline::Worker*> workers,
                                                                           CallsOfOne ask, llm::CallFilter filter,
                                                                           net::Until until);

}  // namespace intragate::app

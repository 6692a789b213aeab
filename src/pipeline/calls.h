// The calls under way on one loop, for administrators: who, what, how far; and how to end them. Read from what the
// exchanges hold anyway, so that calls cost nothing for being watched. Owner: none, functions of a worker. Thread: the
// worker's loop. Does not: gather from several loops (app/roll_call.h does), answer clients (answer_error.cpp does).
#pragma once

#include <vector>

#include "llm/live_call.h"

namespace intragate::pipeline {

class Worker;

// Calls of callers that have been identified, in no order.
[[nodiscard]] std::vector<llm::LiveCall> list_calls(Worker& worker, const llm::CallFilter& filter);

// Ends those that fit, in whatever they wait for; each finds its own end (journey.cpp) as soon as the loop goes on.
// Returns what they were.
[[nodiscard]] std::vector<llm::LiveCall> cancel_calls(Worker& worker, const llm::CallFilter& filter);

}  // namespace intragate::pipeline

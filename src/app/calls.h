// `intragate calls list` and `calls cancel`: what a running gateway is working at, asked through its admin address
// (docs/calls.md). Exit codes: 0 good, 1 nothing matched or no gateway answers. Thread: the main one.
#pragma once

#include "app/commands.h"
#include "app/running_gateway.h"
#include "llm/live_call.h"

namespace intragate::app {

[[nodiscard]] int calls_list(const AdminOptions& gateway, const llm::CallFilter& filter, Output output);
// REQUIRES: the filter names an id, or a user or a key.
[[nodiscard]] int calls_cancel(const AdminOptions& gateway, const llm::CallFilter& filter, Output output);

}  // namespace intragate::app

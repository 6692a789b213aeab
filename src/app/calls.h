// `intragate calls list` and `calls cancel`: what a running gateway is working at, asked through its admin address
// (docs/calls.md). Exit codes: 0 good, 1 nothing matched or no gateway answers. Thread: the main one.
#pragma once

#include <string>

#include "app/commands.h"
#include "llm/live_call.h"

namespace intragate::app {

// Which gateway: named by its admin address, or by the configuration it runs with.
struct AdminOptions {
  std::string config_file;  // empty: the .env quick start
  std::string env_file;
  std::string admin;       // address; then no configuration is read
  std::string token_file;  // empty: $INTRAGATE_ADMIN_TOKEN, or else the configuration's admin.token
};

[[nodiscard]] int calls_list(const AdminOptions& gateway, const llm::CallFilter& filter, Output output);
// REQUIRES: the filter names an id, or a user or a key.
[[nodiscard]] int calls_cancel(const AdminOptions& gateway, const llm::CallFilter& filter, Output output);

}  // namespace intragate::app

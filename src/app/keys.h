// `intragate keys`: makes, shows and ends the keys of the store; through the admin address while a gateway runs, in the
// store itself while none does (docs/keys.md). A new secret is the only line on standard output. Exit codes: 0 good, 1
// refused, or no such key. Thread: the main one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "admin/keys.h"
#include "app/commands.h"
#include "app/running_gateway.h"

namespace intragate::app {

// What stands on the command line; empty: not given.
struct KeyWords {
  std::string name;
  std::vector<std::string> models;
  std::vector<std::string> apis;
  std::vector<std::string> allow;
  bool trust_user = false;
  std::string stream_usage;
  std::string while_waiting;
  std::string expires;
  std::string at;
  std::string grace;
};

// `list` with a name is `show`.
[[nodiscard]] int keys(const AdminOptions& gateway, admin::KeyRequest::Verb verb, const KeyWords& words, Output output);

}  // namespace intragate::app

// `intragate serve`: configuration, start, signals, reload, end. Thread: the main one.
#pragma once

#include <optional>
#include <string>

namespace intragate::app {

struct ServeOptions {
  std::string config_file;  // empty: the .env quick start
  std::string env_file;     // empty: ./.env if it is there; not together with config_file
};

// Exit code: 0 after a graceful end, 1 when it could not start.
[[nodiscard]] int serve(const ServeOptions& options);

}  // namespace intragate::app

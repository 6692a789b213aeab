// Where the configuration comes from, and turning it into what the gateway runs with. Thread: the main one, blocking.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/load.h"

namespace intragate::app {

// The file, or without one the environment and the .env file. An env_file that was named and cannot be read is a
// problem.
[[nodiscard]] config::Loaded load_configuration(const std::string& config_file, const std::string& env_file);

// The data directory, made if missing (mode 0700). Errors: io, with what to do.
[[nodiscard]] Result<Unit> prepare_data_dir(const std::string& directory);

// The quick start's own key: made once, printed once, kept as a hash in data_dir. Appends it to config.keys. Returns
// the new key, or nothing when one was made at an earlier start. Errors: io.
[[nodiscard]] Result<std::string> keep_quick_start_key(config::Config& config);

}  // namespace intragate::app

// Where the configuration comes from, and turning it into what the gateway runs with. Thread: the main one, blocking.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace intragate::app {

// The .env file that is read when none is named, if it is there.
inline constexpr std::string_view kDefaultEnvFile = ".env";

// The file, or without one the environment and the .env file. That no ./.env exists is the only failure that is none.
[[nodiscard]] config::Loaded load_configuration(const std::string& config_file, const std::string& env_file);

// The data directory, made if missing (mode 0700). Errors: io, with what to do.
[[nodiscard]] Result<Unit> prepare_data_dir(const std::string& directory);

// The quick start's own key, whose hash lies in data_dir from the first start on. Appends it to config.keys. Returns a
// new key that is to be printed and kept, or nothing when one was kept at an earlier start. Errors: io.
[[nodiscard]] Result<std::string> quick_start_key(config::Config& config);
// Keeps the hash of a new key, so that later starts know it. Errors: io.
[[nodiscard]] Result<Unit> keep_quick_start_key(const config::Config& config);

}  // namespace intragate::app

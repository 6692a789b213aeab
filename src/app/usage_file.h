// data_dir/usage.jsonl: what was used of limits that reach over a restart, those of days and months; a line for each
// subject. Owner: serve; written once a minute and at the end. Thread: main. Does not: count (pipeline/ledger.h).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "qos/limits.h"

namespace intragate::app {

// Replaces the file as a whole: a crash leaves the old one or the new one. Errors: io.
[[nodiscard]] Result<Unit> save_usage(const std::string& file, const std::vector<qos::WindowCount>& counts);

// What the file holds; lines that are no counts are left out, and no file is no counts.
[[nodiscard]] std::vector<qos::WindowCount> load_usage(const std::string& file);

}  // namespace intragate::app

// The part of `intragate explain` that only a running gateway knows: the present wait, and what is left of the limits.
// Owner: the explain command. Thread: the main one, blocking, at most ten seconds. Does not: change anything there.
#pragma once

#include <string>
#include <vector>

#include "admin/forecast.h"
#include "app/explain.h"
#include "base/result.h"
#include "config/config.h"

namespace intragate::app {

// The answer to GET /forecast of the gateway that runs with this configuration's data_dir. Errors: io, with a sentence:
// none runs, or it says no.
[[nodiscard]] Result<std::string> ask_running(const AdminOptions& options, const config::Config& config,
                                              const admin::ForecastQuery& query);

// What the answer says, or why there is none, as findings.
void explain_present(const Result<std::string>& answer, std::vector<Finding>& into);

}  // namespace intragate::app

// The answer to "what would this call find if it came now?", from the running gateway's queues and limits.
// Owner: none. Thread: any loop. Does not: take a slot, a place or a token; know the client's address, so that limits
// of addresses are left out.
#pragma once

#include <optional>

#include "admin/forecast.h"
#include "pipeline/ledger.h"
#include "pipeline/snapshot.h"

namespace intragate::app {

// Nothing: no model has that name or alias.
[[nodiscard]] std::optional<admin::Outlook> outlook_of(const admin::ForecastQuery& query,
                                                       const pipeline::Snapshot& snapshot,
                                                       const pipeline::Ledger& ledger);

}  // namespace intragate::app

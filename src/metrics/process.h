// What the operating system knows about this process, published when scraped. Owner: none. Thread: the one that
// scrapes. Does not: fail: a figure that /proc does not give keeps its last value.
#pragma once

#include "metrics/registry.h"

namespace intragate::metrics {

// Resident memory, CPU time, file descriptors, start time into `shard` (Registry::process()).
void publish_process(Shard& shard);

}  // namespace intragate::metrics

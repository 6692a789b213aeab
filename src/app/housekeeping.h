// What a loop does once a second beside calls: closes upstream connections that nobody needs, and gives memory back to
// the system when a crowd has gone. Owner: the loop, as a task that ends with it. Thread: that loop.
#pragma once

#include "net/task.h"
#include "pipeline/worker.h"

namespace intragate::app {

// Tells the allocator which memory to keep for the next call. Once, before there are threads.
void prepare_memory();

[[nodiscard]] net::Task<void> keep_house(pipeline::Worker& worker);

}  // namespace intragate::app

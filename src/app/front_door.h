// Accepts connections of one listener on one loop, and lets in only whom its address list names, before anything is
// read. Thread: the loop. Does not: read from connections.
#pragma once

#include "net/listener.h"
#include "net/wait.h"
#include "pipeline/worker.h"

namespace intragate::app {

// Runs until `closing` fires; the listener is then closed by its owner.
[[nodiscard]] net::Task<void> accept_connections(pipeline::Worker& worker, net::Listener& listener,
                                                 pipeline::Door& door, net::Cancellation& closing);

}  // namespace intragate::app

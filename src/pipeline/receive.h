// The first station and the frame of everything: a connection's life, one exchange after the other.
// Owner: Worker::serve spawns it. Thread: one loop.
#pragma once

#include "net/socket.h"
#include "net/task.h"

namespace intragate::pipeline {

class Worker;
struct Door;

[[nodiscard]] net::Task<void> serve_connection(Worker& worker, net::Socket socket, SocketAddress peer, Door& door);

}  // namespace intragate::pipeline

// TLS with a server, tried once: what was agreed on, or of what it failed. Owner: one check. Thread: its loop.
// Does not: judge (judge.h).
#pragma once

#include <memory>

#include "base/address.h"
#include "check/answer.h"
#include "net/task.h"
#include "upstream/endpoint.h"

namespace intragate::net {
class Loop;
}

namespace intragate::check {

// REQUIRES: the endpoint has `tls`.
[[nodiscard]] net::Task<Handshake> handshake(net::Loop& loop, std::shared_ptr<upstream::Endpoint> endpoint,
                                             AddressList egress);

}  // namespace intragate::check

// One attempt at one endpoint: connect, send, wait for the answer.
// Owner: dispatch. Thread: one loop. Does not: choose, retry, judge statuses, write to the client.
#pragma once

#include <memory>

#include "net/task.h"
#include "pipeline/exchange.h"
#include "pipeline/station.h"
#include "upstream/pool.h"

namespace intragate::pipeline {

// `a` has its endpoint. Afterwards a.upstream is open and a.answer holds the head, and: the first body bytes of a
// stream, or the whole body of any other answer (up to kCollect bytes of it; longer ones go on in relay). Errors:
// upstream_unreachable, upstream_broke, upstream_malformed, upstream_timeout, egress_denied, client_gone; the retry
// rule is set for where it happened.
enum class Take : std::uint8_t { any_connection, new_connection };
[[nodiscard]] net::Task<Result<Unit>> attempt(Exchange& x, Attempt& a, Take take);

inline constexpr std::size_t kCollect = 1024 * 1024;
// Of a ranking, which has to be read whole: ten thousand vectors of a thousand numbers.
inline constexpr std::size_t kCollectRanking = 128 * kCollect;

}  // namespace intragate::pipeline

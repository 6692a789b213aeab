// A hedge: a second endpoint is asked when the first one is late with its first byte, and the first to answer wins
// (Dean and Barroso, "The Tail at Scale", 2013). The other one's connection is closed at once; that says nothing about
// its health. Once in a call, only to an endpoint with a free place and a spare slot, and within `hedge.budget`.
// Owner: dispatch. Thread: one loop. Does not: retry. If one of the two fails, the other goes on alone.
#pragma once

#include "net/task.h"
#include "pipeline/attempt.h"

namespace intragate::pipeline {

// Whether the next attempt may get one beside it.
[[nodiscard]] bool may_hedge(const Exchange& x);

// Like attempt(x, x, take), and x is then the attempt that won, or the one that failed last.
[[nodiscard]] net::Task<Result<Unit>> attempt_hedged(Exchange& x, Take take);

// An answer has begun well: it counts for when the next ones are late.
void note_first_byte(const Exchange& x);

}  // namespace intragate::pipeline

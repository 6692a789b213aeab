// Tells an endpoint's health how a call ended, and metrics and log when that opened or closed its breaker.
// Owner: the caller. Thread: one loop. Does not: decide what an end means (upstream/health.h, upstream/ejection.h).
#pragma once

#include "pipeline/snapshot.h"
#include "pipeline/worker.h"
#include "upstream/health.h"

namespace intragate::pipeline {

// A call at the lane's endpoint `which` ended. A failure may also make an outlier of it.
void report_end(Worker& worker, const Lane& lane, std::size_t which, upstream::Health::Trial& trial,
                upstream::CallEnd how);

// The same for what was no call of a client, and for a call that had ended well for the endpoint, until it broke.
void note_turn(Worker& worker, const upstream::Endpoint& endpoint, upstream::Turn turn);

}  // namespace intragate::pipeline

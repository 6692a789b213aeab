// The relay of an event stream, and the errors that end a relay after it has begun. Thread: one loop.
// Does not: take events apart (stream.h).
#pragma once

#include <string>

#include "net/task.h"
#include "pipeline/station.h"

namespace intragate::pipeline {

[[nodiscard]] net::Task<Result<Next>> relay_stream(Exchange& x);
// Prepares the head of a stream: it leaves with the first bytes, be they an event or a heartbeat.
void begin_stream(Exchange& x);

// Reads in a row before other connections get their turn.
inline constexpr int kBusyRounds = 32;

// The model said nothing for timeouts.between_chunks, or timeouts.total is over.
[[nodiscard]] Error went_silent(const Exchange& x);
// The model's connection or its answer broke in the middle.
[[nodiscard]] Error broke_off(const Exchange& x, std::string detail);

}  // namespace intragate::pipeline

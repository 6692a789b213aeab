// Tells the client what went wrong: a status while nothing was sent, an event in a stream that has begun, nothing when
// nobody is there. Thread: one loop. Does not: log or count (settle does).
#pragma once

#include "net/task.h"

namespace intragate::pipeline {

struct Exchange;

// REQUIRES: x.error is set.
[[nodiscard]] net::Task<void> answer_error(Exchange& x);

}  // namespace intragate::pipeline

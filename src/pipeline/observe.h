// What a call tells the Capacity of its endpoint: how fast the model was, or that it had too much to do. Only where
// `max_concurrency` is `auto`; the model's slots follow at once. Thread: the call's loop. Does not: judge what the
// client gets (dispatch does), count anything for people. Rule: too much to do are 429, 503, 504 and 529, connections
// that break and answers that do not come in time. Calls that the client or `timeouts.total` ended say nothing, nor do
// a model's other errors: those are about the request, or it is not there at all, which is its health's matter.
#pragma once

#include "base/error.h"

namespace intragate::pipeline {

struct Attempt;
struct Exchange;

// A stream has begun.
void observe_first_event(Exchange& x);
// The model is done with the call, well or not; its place at the endpoint is still held.
void observe_end(Exchange& x);
// An attempt gave no answer, or one with its status.
void observe_failure(const Exchange& x, const Attempt& a, const Error& error);
void observe_status(const Exchange& x, const Attempt& a);

}  // namespace intragate::pipeline

// Embeddings of more inputs than the model makes at once (models[].batch.max_items): one request after the other, each
// with its own attempts, and one answer of them all; and vectors in the form that the client wants.
// Owner: functions of an exchange. Thread: one loop. Does not: read answers (dialect/embeddings.h).
#pragma once

#include "base/result.h"
#include "net/task.h"
#include "pipeline/station.h"

namespace intragate::pipeline {

struct Attempt;
struct Exchange;

// Whether the call asks for more than the model makes at once.
[[nodiscard]] bool needs_parts(const Exchange& x);

// In place of one dispatch. If one part fails, the call does. Errors: those of dispatch. REQUIRES: needs_parts(x).
[[nodiscard]] net::Task<Result<Next>> dispatch_parts(Exchange& x);

// Whether the answer, of which the beginning has come, has to be read whole because its vectors are in another form.
[[nodiscard]] bool must_change_form(const Exchange& x, const Attempt& a);
// Brings them into the wanted form, if they are not. Errors: upstream_malformed.
[[nodiscard]] Result<Unit> put_vectors_in_form(Exchange& x);

}  // namespace intragate::pipeline

// A form with a recording that goes to the model while it comes: its beginning is held until the model is known, the
// rest passes through one read buffer. The client is read no faster than the model reads, and not at all while the call
// waits for a slot. Owner: the exchange, which has one only then; shorter forms, and those that say their model behind
// the recording, are held whole like any other body. Thread: one loop.
// Does not: allow another attempt once something of the rest was taken: it is gone.
#pragma once

#include "base/result.h"
#include "dialect/form.h"
#include "net/http_connection.h"
#include "net/task.h"

namespace intragate::pipeline {

struct Attempt;
struct Exchange;

struct Upload {
  dialect::form::Reader reader;  // sees every byte, so that no second `model` slips through
  net::HttpConnection::Pieces at;
  bool passed_on = false;  // some of the rest was taken
};

// Reads the form: all of it, or, with x.upload set, its beginning. Errors: as receive_body's, and what is no form.
[[nodiscard]] net::Task<Result<Unit>> receive_form(Exchange& x);

// The rest, behind the beginning that the model has. Ends early, without error, when the model answers already. Errors:
// as above, and those of sending.
[[nodiscard]] net::Task<Result<Unit>> pass_on(Exchange& x, Attempt& a);

// Whether another attempt could send the whole request.
[[nodiscard]] bool can_be_sent_again(const Exchange& x);

}  // namespace intragate::pipeline

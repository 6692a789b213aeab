// The end of every journey, exactly once: tickets back, audit record, metrics, log line. Never waits, never fails.
#pragma once

namespace intragate::pipeline {

struct Exchange;

void settle(Exchange& x) noexcept;

// Ends what the model still works at for this call, and gives its slot back.
void leave_model(Exchange& x);

// Gives the model's slot back as soon as the model is done; settle does it otherwise.
void free_slot(Exchange& x);

}  // namespace intragate::pipeline

// The end of every journey, exactly once: tickets back, audit record, metrics, log line. Never waits, never fails.
#pragma once

namespace intragate::pipeline {

struct Exchange;

void settle(Exchange& x) noexcept;

}  // namespace intragate::pipeline

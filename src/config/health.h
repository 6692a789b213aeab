// `models[].health`: when an endpoint gets no calls, and how it comes back, with the defaults. The rules themselves are
// upstream/breaker.h and upstream/ejection.h. Owner: config::Model. Thread: any.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace intragate::config {

using namespace std::chrono_literals;

struct Health {
  std::uint32_t failures = 3;    // in a row, until an endpoint cools down
  Duration window = 10s;         // of the rates below
  std::uint32_t min_calls = 20;  // in the window; fewer say nothing of rates
  std::uint32_t error_percent = 50;
  Duration slow{};  // an answer that begins later than this is slow; zero: off
  std::uint32_t slow_percent = 80;
  std::uint32_t outlier_percent = 30;  // points above the median of the model's other endpoints
  std::uint32_t panic_percent = 0;     // fewer endpoints than this left: all are used; always when none is
  Duration cooldown = 10s;
  Duration max_cooldown = 60s;  // doubled up to this while trial calls fail
  std::uint32_t probes = 1;     // trial calls at a time after a cool-down; as many good ones end the matter
  Duration slow_start = 10s;    // until an endpoint that came back has its full share; zero: at once
  Duration probe{};             // interval of GET /models, at least 1s; zero: off
  friend bool operator==(const Health&, const Health&) = default;
};

}  // namespace intragate::config

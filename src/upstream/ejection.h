// Which of a model's endpoints take part, decided over all of them: a breaker knows only its own.
// Owner: the caller. Thread: any; pure functions over plain data. Does not: choose the endpoint of a call.
// Rule: 1. An open breaker ejects its endpoint. If none is left, rule 3 holds: the last one is never ejected.
//       2. An outlier is ejected too: a closed one whose error rate lies outlier_margin above the median of the others
//          (of at least three with min_calls each), worst first, while at most max_ejected_percent are out.
//       3. Panic: when fewer than panic_percent are left, or none, breakers are not believed (it may be the network,
//          or us) and all take part; the caller tries those first that cool down soonest.
//       After Envoy's outlier detection and panic threshold.
#pragma once

#include <cstdint>
#include <span>

#include "base/time.h"
#include "qos/breaker.h"

namespace intragate::qos {

struct EjectionRules {
  std::uint32_t max_ejected_percent = 50;  // by rule 2
  std::uint32_t outlier_margin = 30;       // percent points
  std::uint32_t min_calls = 20;
  std::uint32_t panic_percent = 0;
};

struct EndpointView {
  BreakerState state = BreakerState::closed;
  CallRates rates;
};

enum class Part : std::uint8_t {
  takes,    // as its breaker says
  ejected,  // gets no calls
  panic,    // gets calls whatever its breaker says: Breaker::force
};

// Fills `parts`, one for each endpoint. REQUIRES: both have the same length.
void decide_parts(std::span<const EndpointView> endpoints, const EjectionRules& rules, std::span<Part> parts);

}  // namespace intragate::qos

// The endpoint of a call's next attempt: what upstream/choice.h decides about, gathered from a lane, and the breaker's
// leave to go there. Owner: dispatch. Thread: one loop. Does not: connect, retry, judge how attempts end
// (dispatch.cpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "pipeline/exchange.h"
#include "upstream/choice.h"
#include "upstream/health.h"

namespace intragate::pipeline {

// The lane's endpoints as a call finds them that has tried none of them. `zone`: the gateway's own.
[[nodiscard]] std::vector<upstream::Candidate> candidates_of(const Lane& lane, std::string_view zone, TimePoint now);

// Whether an attempt may follow where the last one has just failed, although there are other endpoints.
enum class Again : std::uint8_t { no, yes };

// Chooses: x.which, marked as tried, and the leave to go there, x.trial. False, with Again::no and after a failed
// attempt only: all other endpoints are full. REQUIRES: the lane has endpoints.
[[nodiscard]] bool choose(Exchange& x, Again again = Again::no);

// An endpoint beside those that were tried, well and with a free place: a.which, marked as tried, and a.trial. False:
// there is none.
[[nodiscard]] bool choose_beside(Exchange& x, Attempt& a);

// At the chosen endpoint: a place there, and what else belongs to it. The call's own attempts end with its client.
void enter(Exchange& x, Attempt& a);

// Whether there is an endpoint that was not tried yet and may get calls.
[[nodiscard]] bool endpoint_left(const Exchange& x);

}  // namespace intragate::pipeline

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

// Where one call stands between its attempts.
struct Tries {
  std::vector<bool> tried;  // by endpoint
  std::size_t current = 0;
  std::optional<std::uint64_t> session;  // made when first needed
};

// The lane's endpoints as a call finds them that has tried none of them. `zone`: the gateway's own.
[[nodiscard]] std::vector<upstream::Candidate> candidates_of(const Lane& lane, std::string_view zone, TimePoint now);

// Whether an attempt may follow where the last one has just failed, although there are other endpoints.
enum class Again : std::uint8_t { no, yes };

// Chooses: tries.current, marked as tried. Returns the leave, never an empty one; nothing, with Again::no and after a
// failed attempt only: all other endpoints are full. REQUIRES: the lane has endpoints.
[[nodiscard]] std::optional<upstream::Health::Trial> choose(Exchange& x, Tries& tries, Again again = Again::no);

// Whether there is an endpoint that was not tried yet and may get calls.
[[nodiscard]] bool endpoint_left(const Exchange& x, const Tries& tries);

}  // namespace intragate::pipeline

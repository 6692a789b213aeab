// What the breakers of a model's endpoints mean together: a breaker knows only its own endpoint.
// Owner: the caller. Thread: any; pure functions over plain data. Does not: choose the endpoint of a call, open
// breakers. Rule: 1. An outlier is ejected (its breaker opens): one whose error rate lies `outlier` percent points
// above the
//          median of the others, of at least three with min_calls each; never more than half of all, the open ones
//          included. What a breaker opens by itself has no such floor: a whole zone may die.
//       2. Panic: when all breakers are open, or fewer than panic_percent are not, breakers are not believed (it may be
//          the network, or us) and all take part. So the last one never goes; an only one is not asked at all.
//       After Envoy's outlier detection and panic threshold.
#pragma once

#include <cstddef>
#include <span>

#include "config/health.h"
#include "upstream/breaker.h"

namespace intragate::upstream {

struct Peer {
  BreakerState state = BreakerState::closed;
  CallRates rates;
};

inline constexpr std::size_t kFewestPeers = 3;  // of two nobody can say which one is odd

// Whether rule 1 ejects the one at `which`.
[[nodiscard]] bool is_outlier(std::span<const Peer> peers, std::size_t which, const config::Health& rules);

// Rule 2. `left` of `all` are not open.
[[nodiscard]] constexpr bool panics(std::size_t left, std::size_t all, const config::Health& rules) {
  return left == 0 || all == 1 || left * 100 < all * rules.panic_percent;
}

}  // namespace intragate::upstream

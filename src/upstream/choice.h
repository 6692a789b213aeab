// Which endpoint gets the next attempt. Pure: what the endpoints are doing comes as data.
// Owner: a model on one loop. Thread: one. Does not: know addresses, connections, time.
// Rule: least_busy: fewest calls in flight per weight; round_robin: nginx's smooth weighted round robin (largest
// running credit).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "config/config.h"

namespace intragate::upstream {

enum class Standing : std::uint8_t {
  open,     // may get calls
  cooling,  // after failures; used only when nothing else is there
  out,      // not for this attempt: the last one has just failed there
};

struct Candidate {
  Standing standing = Standing::open;
  bool tried = false;                 // by this call already
  std::uint32_t weight = 1;           // ≥ 1
  std::uint32_t in_flight = 0;        // calls of all loops
  std::uint32_t recent_failures = 0;  // Health::recent_failures
  TimePoint cools_until{};            // for `cooling`
};

class Choice {
 public:
  explicit Choice(config::Balance balance) : balance_{balance} {}

  // The index of the endpoint to use. Those not tried yet go first; then one that failed this call but is open; when
  // all cool down, the one that is done soonest: an attempt with poor chances is better than a certain refusal.
  // Nothing: all are out. `candidates` has the same endpoints in the same order each time. `chance`, 0 ≤ x < 1, breaks
  // ties.
  [[nodiscard]] std::optional<std::size_t> pick(std::span<const Candidate> candidates, double chance);

 private:
  std::size_t least_busy(std::span<const Candidate> candidates, double chance) const;
  std::size_t round_robin(std::span<const Candidate> candidates);

  config::Balance balance_;
  std::vector<std::size_t> eligible_;  // reused
  std::vector<std::int64_t> credit_;   // round_robin's, one for each endpoint
};

}  // namespace intragate::upstream

// Which endpoint gets the next attempt. Pure: what the endpoints are doing comes as data.
// Owner: a model on one loop. Thread: one. Does not: know addresses, connections, time.
// Rule: first the better class (see `pick`), then within it: least_busy: fewest calls in flight per weight;
// round_robin: nginx's smooth weighted round robin (largest running credit); session: weighted rendezvous hashing
// (Thaler and Ravishankar 1998) with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2016): the endpoint that the
// session's hash likes best, unless it has 1.25 times its fair part of the calls in flight (and more than a few); then
// the next best.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/config.h"

namespace intragate::upstream {

enum class Standing : std::uint8_t {
  open,     // may get calls
  cooling,  // after failures; used only when nothing else is there
  out,      // not for this attempt: the last one has just failed there, or it is full
};

struct Candidate {
  Standing standing = Standing::open;
  bool tried = false;                 // by this call already
  bool far = false;                   // in another zone than the gateway
  std::uint32_t weight = 1;           // ≥ 1; relative to the other candidates'
  std::uint32_t in_flight = 0;        // calls of all loops
  std::uint32_t recent_failures = 0;  // Health::recent_failures
  std::uint64_t point = 0;            // Endpoint::point, for sessions
};

// What decides where the endpoints do not.
struct Draw {
  double chance = 0;          // 0 ≤ x < 1, breaks ties of least_busy
  std::uint64_t session = 0;  // the call's session, for Balance::session
};

class Choice {
 public:
  explicit Choice(config::Balance balance) : balance_{balance} {}

  // The index of the endpoint to use. An open endpoint goes before one that cools down, one not tried yet before one
  // that failed this call, one of the own zone before others, in this order: an attempt with poor chances is better
  // than a certain refusal. Nothing: all are out. `candidates` has the same endpoints in the same order each time.
  [[nodiscard]] std::optional<std::size_t> pick(std::span<const Candidate> candidates, const Draw& draw);

 private:
  std::size_t least_busy(std::span<const Candidate> candidates, double chance) const;
  std::size_t round_robin(std::span<const Candidate> candidates);
  std::size_t by_session(std::span<const Candidate> candidates, std::uint64_t session) const;

  config::Balance balance_;
  std::vector<std::size_t> eligible_;  // reused
  std::vector<std::int64_t> credit_;   // round_robin's, one for each endpoint
};

}  // namespace intragate::upstream

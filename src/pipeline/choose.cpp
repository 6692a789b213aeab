#include "pipeline/choose.h"

#include <algorithm>

#include "pipeline/session.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using upstream::Candidate;
using upstream::Health;
using upstream::Standing;

// Whether an endpoint has as many calls as it may.
bool full(const Lane& lane, std::size_t i, TimePoint now) {
  return lane.endpoints[i]->in_flight() >= lane.capacities[i]->slots(now);
}

std::uint64_t session_of(Exchange& x) {
  if (x.lane->model.balance != config::Balance::session) return 0;
  if (!x.tries.session) {
    x.tries.session = session_of(SessionParts{x.principal->name, x.head.session, x.call, x.body()});
  }
  return *x.tries.session;
}

// A slot of the model is in hand, so that some endpoint has room, unless a tried one has the call's own.
void leave_out(const Exchange& x, Again again, std::vector<Candidate>& candidates, TimePoint now) {
  std::vector<bool> are_full(candidates.size());
  for (std::size_t i = 0; i < are_full.size(); ++i) are_full[i] = full(*x.lane, i, now);
  const bool all_full = std::all_of(are_full.begin(), are_full.end(), [](bool is) { return is; });
  const bool others_left = endpoint_left(x);
  for (std::size_t i = 0; i < are_full.size(); ++i) {
    candidates[i].tried = x.tries.tried[i];
    // Where an attempt of this call has failed, the next one has no business while there are others, full ones
    // included.
    const bool failed_here = again == Again::no && x.tries.tried[i] && (others_left || i == x.which);
    if (failed_here || (are_full[i] && !all_full)) candidates[i].standing = Standing::out;
  }
}

// Of the candidates that are left: a.which and a.trial. False: there is none.
bool pick(Exchange& x, Attempt& a, std::vector<Candidate>& candidates, TimePoint now) {
  const bool panic = in_panic(*x.lane, now);
  const upstream::Draw draw{x.worker.random(), session_of(x)};
  upstream::Choice& choice = x.worker.state_of(*x.lane).choice;
  for (;;) {
    const std::optional<std::size_t> index = choice.pick(candidates, draw);
    if (!index) return false;
    a.which = *index;
    Candidate& picked = candidates[a.which];
    Health& health = x.lane->endpoints[a.which]->health();
    a.trial = panic || picked.standing != Standing::open ? health.force() : health.ask(now);
    if (a.trial) break;
    picked.standing = Standing::cooling;  // another loop's call has become the probe meanwhile
  }
  x.tries.tried[a.which] = true;
  return true;
}

}  // namespace

std::vector<Candidate> candidates_of(const Lane& lane, std::string_view zone, TimePoint now) {
  const bool panic = in_panic(lane, now);
  std::vector<Candidate> candidates(lane.endpoints.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const upstream::Endpoint& endpoint = *lane.endpoints[i];
    const Health& health = endpoint.health();
    candidates[i] = {.standing = panic || health.usable(now) ? Standing::open : Standing::cooling,
                     .far = !zone.empty() && endpoint.configured().zone != zone,
                     .weight = endpoint.configured().weight * health.share(now),
                     .in_flight = endpoint.in_flight(),
                     .recent_failures = health.recent_failures(now),
                     .point = endpoint.point()};
  }
  return candidates;
}

bool choose(Exchange& x, Again again) {
  if (x.tries.tried.size() > 1) {
    const TimePoint now = x.worker.loop().now();
    std::vector<Candidate> candidates = candidates_of(*x.lane, x.snapshot->config->zone, now);
    leave_out(x, again, candidates, now);
    return pick(x, x, candidates, now);
  }
  x.which = 0;
  x.tries.tried[0] = true;
  x.trial = x.lane->endpoints[0]->health().force();
  return true;
}

bool choose_beside(Exchange& x, Attempt& a) {
  const TimePoint now = x.worker.loop().now();
  std::vector<Candidate> candidates = candidates_of(*x.lane, x.snapshot->config->zone, now);
  bool any = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const bool fits = !x.tries.tried[i] && x.lane->endpoints[i]->health().usable(now) && !full(*x.lane, i, now);
    if (!fits) candidates[i].standing = Standing::out;
    any = any || fits;
  }
  return any && pick(x, a, candidates, now);
}

void enter(Exchange& x, Attempt& a) {
  a.endpoint = x.lane->endpoints[a.which];
  a.capacity = x.lane->capacities[a.which].get();
  a.converter = x.lane->converters[a.which].get();
  a.cancellation = &x.connection.cancellation();
  a.place = a.endpoint->enter();
}

bool endpoint_left(const Exchange& x) {
  const TimePoint now = x.worker.loop().now();
  for (std::size_t i = 0; i < x.tries.tried.size(); ++i) {
    if (!x.tries.tried[i] && x.lane->endpoints[i]->health().usable(now)) return true;
  }
  return false;
}

}  // namespace intragate::pipeline

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

std::uint64_t session_of(const Exchange& x, Tries& tries) {
  if (x.lane->model.balance != config::Balance::session) return 0;
  if (!tries.session) {
    tries.session = session_of(SessionParts{x.principal->name, x.head.session, x.call, x.connection.body()});
  }
  return *tries.session;
}

// A slot of the model is in hand, so that some endpoint has room, unless a tried one has the call's own.
void leave_out(const Exchange& x, const Tries& tries, Again again, std::vector<Candidate>& candidates, TimePoint now) {
  std::vector<bool> are_full(candidates.size());
  for (std::size_t i = 0; i < are_full.size(); ++i) are_full[i] = full(*x.lane, i, now);
  const bool all_full = std::all_of(are_full.begin(), are_full.end(), [](bool is) { return is; });
  const bool others_left = endpoint_left(x, tries);
  for (std::size_t i = 0; i < are_full.size(); ++i) {
    candidates[i].tried = tries.tried[i];
    // Where an attempt of this call has failed, the next one has no business while there are others, full ones
    // included.
    const bool failed_here = again == Again::no && tries.tried[i] && (others_left || i == tries.current);
    if (failed_here || (are_full[i] && !all_full)) candidates[i].standing = Standing::out;
  }
}

std::optional<Health::Trial> choose_among(Exchange& x, Tries& tries, Again again) {
  const TimePoint now = x.worker.loop().now();
  const bool panic = in_panic(*x.lane, now);
  std::vector<Candidate> candidates = candidates_of(*x.lane, x.snapshot->config->zone, now);
  leave_out(x, tries, again, candidates, now);
  const upstream::Draw draw{x.worker.random(), session_of(x, tries)};
  upstream::Choice& choice = x.worker.state_of(*x.lane).choice;
  for (;;) {
    const std::optional<std::size_t> index = choice.pick(candidates, draw);
    if (!index) return std::nullopt;
    tries.current = *index;
    Candidate& picked = candidates[tries.current];
    Health& health = x.lane->endpoints[tries.current]->health();
    if (panic || picked.standing != Standing::open) return health.force();
    Health::Trial trial = health.ask(now);
    if (trial) return trial;
    picked.standing = Standing::cooling;  // another loop's call has become the probe meanwhile
  }
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

std::optional<Health::Trial> choose(Exchange& x, Tries& tries, Again again) {
  if (tries.tried.size() > 1) {
    std::optional<Health::Trial> trial = choose_among(x, tries, again);
    if (trial) tries.tried[tries.current] = true;
    return trial;
  }
  tries.tried[0] = true;
  return x.lane->endpoints[0]->health().force();
}

bool endpoint_left(const Exchange& x, const Tries& tries) {
  const TimePoint now = x.worker.loop().now();
  for (std::size_t i = 0; i < tries.tried.size(); ++i) {
    if (!tries.tried[i] && x.lane->endpoints[i]->health().usable(now)) return true;
  }
  return false;
}

}  // namespace intragate::pipeline

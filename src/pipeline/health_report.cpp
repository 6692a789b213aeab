#include "pipeline/health_report.h"

#include "base/log.h"
#include "upstream/ejection.h"

namespace intragate::pipeline {
namespace {

using upstream::Turn;

Turn eject_outlier(const Lane& lane, std::size_t which, TimePoint now) {
  if (lane.endpoints.size() < upstream::kFewestPeers) return Turn::none;
  std::vector<upstream::Peer> peers;
  for (const auto& endpoint : lane.endpoints) {
    peers.push_back({endpoint->health().state(now), endpoint->health().rates(now)});
  }
  if (!upstream::is_outlier(peers, which, lane.model.health)) return Turn::none;
  return lane.endpoints[which]->health().eject(now);
}

}  // namespace

void report_end(Worker& worker, const Lane& lane, std::size_t which, upstream::Health::Trial& trial,
                upstream::CallEnd how) {
  const TimePoint now = worker.loop().now();
  Turn turn = trial.report(how, now);
  if (turn == Turn::none && how == upstream::CallEnd::failed) turn = eject_outlier(lane, which, now);
  if (turn != Turn::none) note_turn(worker, *lane.endpoints[which], turn);
}

void note_turn(Worker& worker, const upstream::Endpoint& endpoint, Turn turn) {
  if (turn == Turn::back) {
    log::info("endpoint is back", {{"endpoint", endpoint.configured().url}});
  } else if (upstream::opened(turn)) {
    worker.metrics().counter(metrics::Metric::breaker_opened, {endpoint.id(), upstream::turn_name(turn)}).add();
    log::warning("endpoint cools down",
                 {{"endpoint", endpoint.configured().url}, {"reason", upstream::turn_name(turn)}});
  }
}

}  // namespace intragate::pipeline

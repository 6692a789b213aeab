// Learns the models of a "*" entry from its endpoints' /v1/models, and looks after endpoints with an active probe
// (health.probe). Runs on one loop. Owner: Gateway. Thread: that loop, except last().
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "net/wait.h"
#include "pipeline/worker.h"

namespace intragate::app {

class Discovery {
 public:
  using Found = std::function<void(pipeline::Discovered)>;
  // `found` is called on the loop whenever the names changed.
  Discovery(pipeline::Worker& worker, Found found) : worker_{worker}, found_{std::move(found)} {}

  // Runs until stop(). The first round begins at once.
  [[nodiscard]] net::Task<void> run();
  void stop() { ended_.fire(net::CancelReason::shutdown); }

  // Whether the first round is over; any thread.
  [[nodiscard]] bool asked_once() const { return asked_once_.load(std::memory_order_acquire); }

 private:
  net::Task<void> ask_wildcards(std::shared_ptr<const pipeline::Snapshot> snapshot);
  net::Task<void> probe_due(std::shared_ptr<const pipeline::Snapshot> snapshot);
  net::Task<void> probe(std::shared_ptr<upstream::Endpoint> endpoint,
                        std::shared_ptr<const pipeline::Snapshot> snapshot, Duration limit);

  pipeline::Worker& worker_;
  Found found_;
  net::Cancellation ended_;
  std::atomic<bool> asked_once_{false};
  std::optional<pipeline::Discovered> known_;
  std::map<std::size_t, std::vector<std::string>> by_endpoint_;  // last good answer of each
  std::map<std::string, TimePoint> probed_;                      // by endpoint id
};

}  // namespace intragate::app

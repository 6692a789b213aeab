#include "app/discovery.h"

#include "base/log.h"
#include "dialect/openai.h"
#include "upstream/probe.h"

namespace intragate::app {
namespace {

constexpr Duration kTick = std::chrono::seconds{1};
constexpr Duration kRound = std::chrono::seconds{30};
constexpr Duration kHastyRound = std::chrono::seconds{2};  // while nobody has answered
constexpr Duration kProbeLimit = std::chrono::seconds{5};

}  // namespace

net::Task<void> Discovery::run() {
  net::Loop& loop = worker_.loop();
  TimePoint next = loop.now();
  while (!ended_.fired()) {
    const std::shared_ptr<const pipeline::Snapshot> snapshot = worker_.snapshot();
    if (loop.now() >= next) {
      co_await ask_wildcards(snapshot);
      next = loop.now() + (known_ && !known_->empty() ? kRound : kHastyRound);
    }
    asked_once_.store(true, std::memory_order_release);
    co_await probe_due(snapshot);
    (void)co_await net::Pause{loop, {Deadline::in(loop.now(), kTick), &ended_}};
  }
}

net::Task<void> Discovery::ask_wildcards(std::shared_ptr<const pipeline::Snapshot> snapshot) {
  const auto& endpoints = snapshot->wildcard_endpoints;
  bool anybody = false;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const net::Until until{Deadline::in(worker_.loop().now(), kProbeLimit), &ended_};
    Result<std::string> body =
        co_await upstream::ask_models(worker_.pool(), endpoints[i], snapshot->config->egress, until);
    Result<std::vector<std::string>> names = std::vector<std::string>{};
    if (body) {
      names = dialect::openai::decode_models(*body);
    } else {
      names = std::move(body).error();
    }
    if (!names) {
      log::warning("models not listed",
                   {{"endpoint", endpoints[i]->configured().url}, {"reason", names.error().detail}});
      continue;
    }
    anybody = true;
    by_endpoint_[i] = std::move(*names);
  }
  if (!anybody) co_return;  // what was known before stays: a model that sleeps is not forgotten
  pipeline::Discovered found;
  for (const auto& [index, names] : by_endpoint_) {
    for (const std::string& name : names) {
      if (index < endpoints.size()) found[name].push_back(index);
    }
  }
  if (known_ && *known_ == found) co_return;
  known_ = found;
  found_(std::move(found));
}

net::Task<void> Discovery::probe_due(std::shared_ptr<const pipeline::Snapshot> snapshot) {
  for (const auto& lane : snapshot->listed) {
    const Duration interval = lane->model.health.probe;
    if (interval <= Duration::zero()) continue;
    for (const auto& endpoint : lane->endpoints) {
      TimePoint& last = probed_[endpoint->id()];
      if (worker_.loop().now() - last < interval) continue;
      last = worker_.loop().now();
      co_await probe(endpoint, snapshot, std::min(interval, kProbeLimit));
    }
  }
}

net::Task<void> Discovery::probe(std::shared_ptr<upstream::Endpoint> endpoint,
                                 std::shared_ptr<const pipeline::Snapshot> snapshot, Duration limit) {
  net::Loop& loop = worker_.loop();
  upstream::Health::Trial trial = endpoint->health().begin(loop.now());
  const net::Until until{Deadline::in(loop.now(), limit), &ended_};
  Result<std::string> body = co_await upstream::ask_models(worker_.pool(), endpoint, snapshot->config->egress, until);
  trial.report(body ? upstream::Evidence::healthy : upstream::evidence_of(body.error()), loop.now());
}

}  // namespace intragate::app

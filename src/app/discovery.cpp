#include "app/discovery.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "dialect/converter.h"
#include "dialect/kserve.h"
#include "dialect/openai.h"
#include "pipeline/health_report.h"
#include "upstream/probe.h"

namespace intragate::app {
namespace {

constexpr Duration kTick = std::chrono::seconds{1};
constexpr Duration kRound = std::chrono::seconds{30};
constexpr Duration kHastyRound = std::chrono::seconds{2};  // while nobody has answered
constexpr Duration kSilentPause = std::chrono::seconds{5};
constexpr Duration kProbeLimit = std::chrono::seconds{5};

// The endpoint's list of models, or whatever page of its dialect is a sign of life.
net::Task<Result<std::string>> ask_list(upstream::Pool& pool, std::shared_ptr<upstream::Endpoint> endpoint,
                                        AddressList egress, net::Until until) {
  const config::Endpoint& to = endpoint->configured();
  std::string path = to.path + std::string{dialect::dialect_row(to.dialect).models_path};
  const bool grpc = endpoint->speaks_grpc();
  Result<std::string> page =
      co_await upstream::ask_page(pool, std::move(endpoint), std::move(path), std::move(egress), until);
  // Over HTTP a server that is not ready says so with a status.
  if (page && grpc && !dialect::kserve::says_ready(*page)) {
    co_return make_error(Code::upstream_status, {}).because("the server is not ready");
  }
  co_return page;
}

// Whether an endpoint is there at all: a server without /models, or one that wants other credentials, is.
bool is_answer(const Result<std::string>& models) {
  return models || models.error().code == Code::upstream_status;
}

}  // namespace

net::Task<void> Discovery::run() {
  net::Loop& loop = worker_.loop();
  TimePoint next = loop.now();
  greet(*worker_.snapshot());
  asking_.fetch_sub(1, std::memory_order_release);
  while (!ended_.fired()) {
    const std::shared_ptr<const pipeline::Snapshot> snapshot = worker_.snapshot();
    if (news_.is_set()) {
      news_ = net::Signal{};
      greet(*snapshot);
      next = loop.now();
    }
    if (loop.now() >= next) {
      co_await ask_wildcards(snapshot);
      next = loop.now() + (known_.empty() ? kHastyRound : kRound);
    }
    asked_once_.store(true, std::memory_order_release);
    co_await probe_due(snapshot);
    (void)co_await news_.wait(loop, {Deadline::in(loop.now(), kTick), &ended_});
  }
}

void Discovery::stop() {
  ended_.fire(net::CancelReason::shutdown);
  for (auto& [id, greeting] : greetings_) greeting->ended.fire(net::CancelReason::shutdown);
}

bool Discovery::silent(std::string_view endpoint_id) const {
  const std::lock_guard lock{mutex_};
  return silent_.contains(endpoint_id);
}

void Discovery::note(const std::string& endpoint_id, Voice voice) {
  const std::lock_guard lock{mutex_};
  if (voice == Voice::silent) {
    silent_.insert(endpoint_id);
  } else {
    silent_.erase(endpoint_id);
  }
}

void Discovery::greet(const pipeline::Snapshot& snapshot) {
  std::map<std::string, std::shared_ptr<Greeting>> greeted;
  for (const auto& lane : snapshot.listed) {
    if (lane->model.name == "*") continue;  // ask_wildcards does
    for (const auto& endpoint : lane->endpoints) {
      const auto known = greetings_.find(endpoint->id());
      if (known != greetings_.end() && known->second->endpoint == endpoint) {
        greeted.insert(greetings_.extract(known));
      } else {
        greeted.emplace(endpoint->id(), std::make_shared<Greeting>(endpoint));
      }
    }
  }
  // What is left belongs to endpoints that are gone, be it that one of the same id has taken their place.
  for (auto& [id, greeting] : greetings_) {
    greeting->ended.fire(net::CancelReason::shutdown);
    note(id, Voice::heard);
  }
  greetings_ = std::move(greeted);
  for (auto& [id, greeting] : greetings_) {
    if (std::exchange(greeting->begun, true)) continue;
    note(id, Voice::silent);
    asking_.fetch_add(1, std::memory_order_relaxed);
    worker_.loop().spawn(ask_until_it_answers(greeting));
  }
}

net::Task<void> Discovery::ask_until_it_answers(std::shared_ptr<Greeting> greeting) {
  net::Loop& loop = worker_.loop();
  const upstream::Endpoint& endpoint = *greeting->endpoint;
  for (bool first = true;; first = false) {
    const net::Until until{Deadline::in(loop.now(), kProbeLimit), &greeting->ended};
    const AddressList egress = worker_.snapshot()->config->egress;
    Result<std::string> models = co_await ask_list(worker_.pool(), greeting->endpoint, egress, until);
    (void)worker_.pool().take_idle(greeting->endpoint);  // closes it: the first call finds no connection of ours
    const bool ended = greeting->ended.fired();          // its id may be another endpoint's by now
    const bool answered = is_answer(models);
    if (answered && !ended) note(endpoint.id(), Voice::heard);
    if (first) asking_.fetch_sub(1, std::memory_order_release);
    if (answered && !first) log::info("endpoint answers", {{"endpoint", endpoint.configured().url}});
    if (!answered && first && !ended) {
      log::warning("endpoint does not answer",
                   {{"endpoint", endpoint.configured().url}, {"reason", models.error().detail}});
    }
    if (answered || ended) co_return;
    (void)co_await net::Pause{loop, {Deadline::in(loop.now(), kSilentPause), &greeting->ended}};
  }
}

net::Task<void> Discovery::ask_wildcards(std::shared_ptr<const pipeline::Snapshot> snapshot) {
  pipeline::Discovered found;
  for (const auto& endpoint : snapshot->wildcard_endpoints) {
    const config::Endpoint& configured = endpoint->configured();
    const net::Until until{Deadline::in(worker_.loop().now(), kProbeLimit), &ended_};
    Result<std::string> body = co_await ask_list(worker_.pool(), endpoint, snapshot->config->egress, until);
    Result<std::vector<std::string>> names = std::vector<std::string>{};
    if (body) {
      names = dialect::openai::decode_models(*body);
    } else {
      names = std::move(body).error();
    }
    if (names) {
      found.push_back({configured, std::move(*names)});
      continue;
    }
    log::warning("models not listed", {{"endpoint", configured.url}, {"reason", names.error().detail}});
    // What was known before stays: a model that sleeps is not forgotten.
    const auto known = std::find_if(known_.begin(), known_.end(), [&](const auto& l) { return l.is_of(configured); });
    if (known != known_.end()) found.push_back(*known);
  }
  if (ended_.fired() || found == known_) co_return;
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
  upstream::Health::Trial trial = endpoint->health().force();
  const net::Until until{Deadline::in(loop.now(), limit), &ended_};
  Result<std::string> body = co_await ask_list(worker_.pool(), endpoint, snapshot->config->egress, until);
  // A list of models ends a cool-down, but is no call that would make the endpoint's rates look better.
  const upstream::CallEnd well = trial.is_probe() ? upstream::CallEnd::good : upstream::CallEnd::none;
  const upstream::Turn turn = trial.report(body ? well : upstream::call_end(body.error()), loop.now());
  pipeline::note_turn(worker_, *endpoint, turn);
}

}  // namespace intragate::app

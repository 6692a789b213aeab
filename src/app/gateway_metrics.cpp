// What the gateway knows without having counted it: asked for when somebody scrapes.
#include <array>

#include "app/gateway.h"
#include "metrics/process.h"

namespace intragate::app {
namespace {

constexpr std::array kStates{upstream::BreakerState::closed, upstream::BreakerState::open,
                             upstream::BreakerState::half_open};

void publish_endpoint(metrics::Shard& process, const upstream::Endpoint& endpoint, TimePoint now) {
  using metrics::Metric;
  const upstream::Health& health = endpoint.health();
  process.gauge(Metric::endpoint_up, {endpoint.id()}).set(health.usable(now) ? 1 : 0);
  const upstream::BreakerState present = health.state(now);
  for (const upstream::BreakerState state : kStates) {
    process.gauge(Metric::breaker_state, {endpoint.id(), upstream::state_name(state)}).set(state == present ? 1 : 0);
  }
  process.gauge(Metric::pool_connections, {endpoint.id(), "idle"})
      .set(endpoint.idle_connections.load(std::memory_order_relaxed));
  process.gauge(Metric::pool_connections, {endpoint.id(), "busy"}).set(endpoint.in_flight());
}

}  // namespace

void Gateway::publish_totals() {
  using metrics::Metric;
  metrics::Shard& process = metrics_->process();
  metrics::publish_process(process);
  process.counter(Metric::audit_records).set_total(static_cast<double>(audit_->written()));
  process.counter(Metric::audit_dropped).set_total(static_cast<double>(audit_->dropped()));
  process.gauge(Metric::audit_waiting).set(static_cast<double>(audit_->waiting()));
  if (copies_ != nullptr) {
    for (const audit::CopyState& copy : copies_->states()) {
      process.counter(Metric::audit_copied, {copy.to}).set_total(static_cast<double>(copy.sent));
      process.counter(Metric::audit_copy_dropped, {copy.to}).set_total(static_cast<double>(copy.dropped));
      process.gauge(Metric::audit_copy_waiting, {copy.to}).set(static_cast<double>(copy.waiting_bytes));
      process.gauge(Metric::audit_copy_up, {copy.to}).set(copy.trouble.empty() ? 1 : 0);
    }
  }
  process.gauge(Metric::memory_held).set(static_cast<double>(memory_.held()));
  process.gauge(Metric::memory_limit).set(static_cast<double>(memory_.most()));
  process.gauge(Metric::build_info, {INTRAGATE_VERSION}).set(1);
  const auto now_snapshot = snapshot();
  const auto& entrances = cores_.front()->entrances;
  for (std::size_t i = 0; i < entrances.size(); ++i) {
    process.gauge(Metric::max_connections, {entrances[i]->door.name})
        .set(now_snapshot->config->listen[i].max_connections);
  }
  expiry_gauges_.publish(process, *now_snapshot->config);
  publish_endpoints(*now_snapshot);
  publish_lanes(*now_snapshot);
  publish_keys(*now_snapshot);
}

void Gateway::publish_endpoints(const pipeline::Snapshot& now_snapshot) {
  using metrics::Metric;
  metrics::Shard& process = metrics_->process();
  const TimePoint now = MonotonicClock::now();
  std::set<std::string> gone = std::exchange(published_endpoints_, {});
  for (const pipeline::Site& site : now_snapshot.sites) {
    const upstream::Endpoint& endpoint = *site.endpoint;
    gone.erase(endpoint.id());
    published_endpoints_.insert(endpoint.id());
    publish_endpoint(process, endpoint, now);
    if (site.capacity->automatic()) {
      process.gauge(Metric::adaptive_limit, {endpoint.id()}).set(site.capacity->slots(now));
    } else {
      process.remove(Metric::adaptive_limit, {endpoint.id()});  // it may have been `auto` before a reload
    }
  }
  for (const std::string& id : gone) {
    process.remove(Metric::endpoint_up, {id});
    process.remove(Metric::pool_connections, {id, "idle"});
    process.remove(Metric::pool_connections, {id, "busy"});
    for (const upstream::BreakerState state : kStates)
      process.remove(Metric::breaker_state, {id, upstream::state_name(state)});
    process.remove(Metric::adaptive_limit, {id});
  }
}

void Gateway::publish_lanes(const pipeline::Snapshot& now_snapshot) {
  using metrics::Metric;
  metrics::Shard& process = metrics_->process();
  std::set<std::string> gone = std::exchange(published_lanes_, {});
  for (const auto& lane : now_snapshot.listed) {
    if (lane->gate->unlimited()) continue;
    gone.erase(lane->name);
    published_lanes_.insert(lane->name);
    const qos::SchedulerFacts facts = lane->gate->facts();
    const qos::FairnessDebt debt = lane->gate->debt();
    process.gauge(Metric::slots, {lane->name, "total"}).set(facts.slots);
    process.gauge(Metric::slots, {lane->name, "used"}).set(facts.running);
    process.gauge(Metric::queue_waiting, {lane->name, "interactive"}).set(facts.waiting[0]);
    process.gauge(Metric::queue_waiting, {lane->name, "batch"}).set(facts.waiting[1]);
    process.gauge(Metric::fairness_debt, {lane->name, "key"}).set(static_cast<double>(debt.keys));
    process.gauge(Metric::fairness_debt, {lane->name, "user"}).set(static_cast<double>(debt.users));
  }
  for (const std::string& name : gone) {
    process.remove(Metric::slots, {name, "total"});
    process.remove(Metric::slots, {name, "used"});
    process.remove(Metric::queue_waiting, {name, "interactive"});
    process.remove(Metric::queue_waiting, {name, "batch"});
    process.remove(Metric::fairness_debt, {name, "key"});
    process.remove(Metric::fairness_debt, {name, "user"});
  }
}

std::string Gateway::metrics_text() {
  publish_totals();
  return metrics_->text();
}

}  // namespace intragate::app

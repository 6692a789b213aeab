#include "pipeline/worker.h"

#include <ctime>

#include "base/error_table.h"
#include "base/id.h"
#include "pipeline/exchange.h"
#include "pipeline/receive.h"

namespace intragate::pipeline {

Worker::Worker(Parts parts, const std::shared_ptr<const Snapshot>& snapshot)
    : parts_{parts}, pool_{parts.loop}, aside_{parts.loop} {
  adopt(snapshot);
}

void Worker::adopt(const std::shared_ptr<const Snapshot>& snapshot) {
  if (snapshot_ != nullptr && !(snapshot_->config->egress == snapshot->config->egress)) pool_.renew();
  // A control block of this loop's own: counting references to it is not shared with other loops.
  const auto own = std::make_shared<std::shared_ptr<const Snapshot>>(snapshot);
  snapshot_ = std::shared_ptr<const Snapshot>{own, own->get()};
  lanes_.clear();
}

LaneState& Worker::state_of(const Lane& lane) {
  const auto known = lanes_.find(&lane);
  if (known != lanes_.end()) return known->second;
  using metrics::Metric;
  LaneState fresh{{},
                  {},
                  {},
                  {std::make_shared<dialect::KnownEvents>(), std::make_shared<dialect::KnownEvents>()},
                  upstream::Choice{lane.model.balance},
                  upstream::RetryBudget{lane.model.retry.budget_percent},
                  upstream::RetryBudget{lane.model.hedge.budget_percent},
                  metrics().gauge(Metric::open_streams, {lane.name}),
                  metrics().histogram(Metric::inter_token_seconds, {lane.name}),
                  metrics().histogram(Metric::queue_seconds, {lane.name})};
  return lanes_.emplace(&lane, std::move(fresh)).first->second;
}

std::string_view Worker::date() {
  const std::time_t now = std::time(nullptr);
  if (now == date_second_) return date_;
  date_second_ = now;
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  date_.assign(text.data(), size);
  return date_;
}

net::HttpLimits limits_of(const config::Listen& rules) {
  return {.max_head = static_cast<std::size_t>(rules.max_head),
          .max_body = rules.max_body,
          .max_upload = rules.max_upload,
          .head = rules.timeouts.head,
          .body = rules.timeouts.body,
          .idle = rules.timeouts.idle,
          .write = rules.timeouts.write};
}

void Worker::serve(net::Socket socket, const SocketAddress& peer, Door& door) {
  metrics().counter(metrics::Metric::connections, {door.name}).add();
  loop().spawn(serve_connection(*this, std::move(socket), peer, door));
}

namespace {

std::string_view refusal_reason(Code why) {
  if (why == Code::address_not_allowed) return "address";
  if (why == Code::malformed_request || why == Code::request_timeout) return "tls";
  return why == Code::memory_full ? "memory" : "limit";
}

}  // namespace

void Worker::refuse(const SocketAddress& peer, const Door& door, Code why) {
  const ErrorRow& row = error_row(why);
  metrics().counter(metrics::Metric::refused_connections, {door.name, refusal_reason(why)}).add();
  if (!parts_.turned_away.note(peer.ip, loop().now())) return;
  const RequestId id = new_request_id();
  audit::Record record;
  record.time = std::chrono::system_clock::now();
  record.request_id = id.view();
  record.address = peer.ip;
  record.outcome = row.outcome;  // the status stays 0: the connection is closed without a word
  record.error = row.name;
  audit().append(loop().index(), record);
}

std::vector<Exchange*> Worker::exchanges() {
  std::vector<Exchange*> found;
  for (net::ListHook* hook = busy_.next(); hook != &busy_; hook = hook->next()) {
    found.push_back(static_cast<ClientEntry&>(*hook).exchange);
  }
  return found;
}

void Worker::drain() {
  draining_ = true;
  close_resting();
}

void Worker::close_resting() {
  for (net::ListHook* hook = resting_.next(); hook != &resting_; hook = hook->next()) {
    static_cast<ClientEntry&>(*hook).cancellation->fire(net::CancelReason::shutdown);
  }
}

bool Worker::close_longest_resting(const Door& door) {
  for (net::ListHook* hook = resting_.next(); hook != &resting_; hook = hook->next()) {
    auto& entry = static_cast<ClientEntry&>(*hook);
    if (entry.door != &door) continue;
    entry.unlink();  // it is on its way out: nobody closes it twice
    refuse(entry.peer, door, Code::overloaded);
    entry.cancellation->fire(net::CancelReason::shutdown);
    return true;
  }
  return false;
}

void Worker::cancel_all() {
  close_resting();
  for (net::ListHook* hook = busy_.next(); hook != &busy_; hook = hook->next()) {
    static_cast<ClientEntry&>(*hook).cancellation->fire(net::CancelReason::shutdown);
  }
}

}  // namespace intragate::pipeline

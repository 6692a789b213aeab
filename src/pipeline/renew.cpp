#include "pipeline/renew.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/judge.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

constexpr Duration kPatience = std::chrono::seconds{2};
constexpr Duration kPause = std::chrono::milliseconds{10};

std::shared_ptr<upstream::Endpoint> with_other_credentials(const Exchange& x) {
  const std::shared_ptr<const Snapshot>& now = x.worker.snapshot();
  const config::Endpoint& refused = x.endpoint->configured();
  const auto renewed = std::find_if(now->sites.begin(), now->sites.end(), [&](const Site& site) {
    const config::Endpoint& other = site.endpoint->configured();
    return site.endpoint->id() == x.endpoint->id() && other.url == refused.url && !(other.auth == refused.auth);
  });
  return renewed == now->sites.end() ? nullptr : renewed->endpoint;
}

// A look that began after this call's own began is asked for; its snapshot is in the loop's queue before it is done.
net::Task<std::shared_ptr<upstream::Endpoint>> renewed_endpoint(Exchange& x) {
  net::Loop& loop = x.worker.loop();
  SecretWatch& watch = x.worker.secrets();
  const std::uint64_t before = watch.begun.load();
  const Deadline patience = Deadline::in(loop.now(), kPatience).earlier(x.deadline);
  if (watch.look_now) watch.look_now();
  for (bool looked = false; !looked;) {
    std::shared_ptr<upstream::Endpoint> renewed = with_other_credentials(x);
    if (renewed != nullptr) co_return renewed;
    looked = watch.done.load() > before || patience.reached(loop.now());
    const Deadline moment = Deadline::in(loop.now(), kPause);
    const net::Wake wake = co_await net::Pause{loop, {moment, &x.connection.cancellation()}};
    if (wake == net::Wake::cancelled) co_return nullptr;
  }
  co_return with_other_credentials(x);
}

}  // namespace

bool may_renew(const Exchange& x) {
  constexpr int kUnauthorized = 401;
  return x.answer.head.status == kUnauthorized && can_be_sent_again(x) && x.endpoint->configured().auth.from_file;
}

net::Task<bool> renew(Exchange& x) {
  net::Task<std::shared_ptr<upstream::Endpoint>> looking = renewed_endpoint(x);
  std::shared_ptr<upstream::Endpoint> renewed = co_await looking;
  if (renewed == nullptr) co_return false;
  const std::string_view refused = "status";
  x.worker.metrics().counter(metrics::Metric::upstream_attempts, {x.endpoint->id(), refused}).add();
  release(x);
  x.endpoint = std::move(renewed);
  x.place = x.endpoint->enter();
  co_return true;
}

}  // namespace intragate::pipeline

#include "pipeline/dispatch.h"

#include "pipeline/attempt.h"
#include "pipeline/choose.h"
#include "pipeline/exchange.h"
#include "pipeline/hedge.h"
#include "pipeline/judge.h"
#include "pipeline/parts.h"
#include "pipeline/renew.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using metrics::Metric;
using upstream::NextAttempt;

net::Task<bool> pause(Exchange& x, Duration length) {
  if (length <= Duration::zero()) co_return true;
  x.phase = llm::Phase::retrying;
  net::Loop& loop = x.worker.loop();
  const Deadline until = x.deadline.earlier(Deadline::in(loop.now(), length));
  const net::Wake wake = co_await net::Pause{loop, {until, &x.connection.cancellation()}};
  co_return wake != net::Wake::cancelled;
}

upstream::RetryPlan plan(Exchange& x, const Error& error) {
  upstream::FailedAttempt failed{
      .retry = error.retry, .attempts = x.attempts, .retry_after = {}, .endpoint_left = endpoint_left(x)};
  if (error.code == Code::upstream_status && error.retry_after > Duration::zero()) {
    failed.retry_after = error.retry_after;
  }
  const upstream::RetryMoment moment{x.worker.loop().now(), x.deadline, x.worker.random()};
  return upstream::plan_retry(x.lane->model.retry, failed, moment, x.worker.state_of(*x.lane).budget);
}

constexpr Duration kLook = std::chrono::milliseconds{20};  // between looks whether another endpoint has room

// The endpoint after a failed attempt. While all others are full it waits for one of them: the call has a slot of the
// model, but that of an endpoint that may be dead. When nothing gets free in time, there once more. False: the client
// has left.
net::Task<bool> choose_next(Exchange& x) {
  net::Loop& loop = x.worker.loop();
  const Deadline patience = Deadline::in(loop.now(), x.lane->model.queue.max_wait).earlier(x.deadline);
  for (;;) {
    const Again again = patience.reached(loop.now()) ? Again::yes : Again::no;
    if (choose(x, again)) co_return true;
    const bool here = co_await pause(x, kLook);
    if (!here) co_return false;
  }
}

// What follows a failed attempt: a pause and the endpoint of the next one. Errors: the same one, when there is none;
// client_gone.
net::Task<Result<Take>> move_on(Exchange& x, Error error) {
  if (!can_be_sent_again(x)) error.retry = Retry::never;
  const upstream::RetryPlan next = plan(x, error);
  if (next.next == NextAttempt::none) {
    if (next.reason != upstream::WhyNot::pointless) {
      const std::string_view reason = upstream::why_not_name(next.reason);
      x.worker.metrics().counter(Metric::upstream_retries_denied, {x.lane->name, reason}).add();
    }
    co_return error;
  }
  release(x);
  bool here = co_await pause(x, next.pause);
  const bool same = next.next == NextAttempt::same_endpoint;
  if (here && !same) here = co_await choose_next(x);
  if (!here) co_return make_error(Code::client_gone, {});
  if (!same) x.worker.metrics().counter(Metric::upstream_retries, {x.lane->name}).add();
  co_return same ? Take::new_connection : Take::any_connection;
}

// From the endpoint chosen on.
net::Task<Result<Next>> try_endpoints(Exchange& x) {
  for (Take take = Take::any_connection;;) {
    enter(x, x);
    if (take == Take::any_connection) ++x.attempts;
    net::Task<Result<Unit>> trying = may_hedge(x) ? attempt_hedged(x, take) : attempt(x, x, take);
    Result<Unit> received = co_await trying;
    if (received && may_renew(x)) {
      const bool renewed = co_await renew(x);
      if (renewed) {
        ++x.attempts;
        net::Task<Result<Unit>> again = attempt(x, x, Take::any_connection);
        received = co_await again;
      }
    }
    std::optional<Error> error = judge(x, x, std::move(received));
    if (!error) {
      note_first_byte(x);
      co_return Next::go_on;
    }
    if (error->code == Code::client_gone) co_return std::move(*error);
    Result<Take> next = co_await move_on(x, std::move(*error));
    if (next) {
      take = *next;
      continue;
    }
    const bool status = next.error().code == Code::upstream_status;
    if (status && passes_unchanged(x.answer.head.status)) co_return Next::go_on;
    co_return std::move(next).error();
  }
}

net::Task<Result<Next>> first_try(Exchange& x) {
  (void)choose(x);  // nothing has failed yet: there is one
  return try_endpoints(x);
}

net::Task<Result<Next>> dispatch(Exchange& x) {
  x.tries.tried.assign(x.lane->endpoints.size(), false);
  if (x.tries.tried.empty()) co_return make_error(Code::no_endpoint, "The model has no endpoint at the moment.");
  // From here on a client that hangs up ends whatever is being waited for.
  x.connection.watch_hangup();
  x.usage_hidden = !x.front && x.call.stream == llm::Stream::yes && x.call.usage != llm::UsageWish::yes &&
                   x.principal->stream_usage != config::StreamUsage::always;
  x.worker.state_of(*x.lane).budget.count_call(x.worker.loop().now());
  net::Task<Result<Next>> way = needs_parts(x) ? dispatch_parts(x) : first_try(x);
  Result<Next> found = co_await way;
  co_return found;
}

}  // namespace

net::Task<Result<Next>> dispatch_part(Exchange& x) {
  release(x);
  x.attempts = 0;
  x.tries.tried.assign(x.lane->endpoints.size(), false);
  Result<Next> found = co_await first_try(x);
  co_return found;
}

net::Task<Result<Next>> dispatch_again(Exchange& x) {
  x.upstream.drop();
  Result<Take> next = co_await move_on(x, make_error(Code::upstream_broke, {}).retrying(Retry::elsewhere));
  if (!next) co_return std::move(next).error();
  Result<Next> found = co_await try_endpoints(x);
  co_return found;
}

Passage Dispatch::pass(Exchange& x) {
  return dispatch(x);
}

}  // namespace intragate::pipeline

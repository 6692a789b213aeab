#include "base/error_table.h"
#include "base/log.h"
#include "pipeline/attempt.h"
#include "pipeline/choose.h"
#include "pipeline/exchange.h"
#include "pipeline/health_report.h"
#include "pipeline/observe.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using metrics::Metric;
using upstream::NextAttempt;

void count_success(Exchange& x, std::size_t endpoint) {
  std::vector<metrics::Counter*>& known = x.worker.state_of(*x.lane).attempts_ok;
  if (known.size() <= endpoint) known.resize(endpoint + 1);  // a call of an older snapshot may know more endpoints
  metrics::Counter*& counter = known[endpoint];
  if (counter == nullptr) counter = &x.worker.metrics().counter(Metric::upstream_attempts, {x.endpoint->id(), "ok"});
  counter->add();
}

void count_attempt(Exchange& x, std::string_view result) {
  x.worker.metrics().counter(Metric::upstream_attempts, {x.endpoint->id(), result}).add();
}

// An attempt that gave no usable answer.
void note_failure(Exchange& x, const Error& error) {
  const std::string_view kind = error_row(error.code).name;
  count_attempt(x, error.code == Code::client_gone ? "cancelled" : "failed");
  if (error.code == Code::client_gone) return;
  x.worker.metrics().counter(Metric::upstream_errors, {x.lane->name, kind}).add();
  log::write(log::Level::info, "attempt failed",
             {{"request_id", x.request_id},
              {"model", x.lane->name},
              {"endpoint", x.endpoint->configured().url},
              {"attempt", static_cast<std::int64_t>(x.attempts)},
              {"error", kind},
              {"upstream_request_id", x.answer.request_id},
              {"detail", error.detail}});
}

// The model's answer with a status that is no success, as an error of ours; what the client may see of it decides
// answer_status.
Error refused_by_model(const Exchange& x) {
  const int status = x.answer.head.status;
  const std::string model = "The model `" + x.lane->name + "`";
  Error error = make_error(Code::upstream_status, {});
  if (status >= 300 && status < 400) {
    error.message =
        model + " answered with a redirect, which is never followed; its URL in the configuration has to be mended.";
  } else if (status == 401 || status == 403 || status == 407) {
    error.message =
        model + " refused the gateway's own credentials; its administrator has to look (not your key's fault).";
  } else {
    error.message = model + " failed (status " + std::to_string(status) + "); please try again, or tell its operator.";
  }
  error.detail = "status " + std::to_string(status);  // never the body: models quote the prompt in it
  error.retry = upstream::retryable_status(status) ? Retry::elsewhere : Retry::never;
  // Also for the client, when nothing else is left to try.
  const WallTime now = x.wall + (x.worker.loop().now() - x.begun);
  error.retry_after = upstream::parse_retry_after(x.answer.retry_after, now).value_or(Duration{});
  return error;
}

// What the caller is to blame for goes to him as the model said it: 4xx, except about our own credentials.
bool passes_unchanged(int status) {
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 407;
}

net::Task<bool> pause(Exchange& x, Duration length) {
  if (length <= Duration::zero()) co_return true;
  x.phase = llm::Phase::retrying;
  net::Loop& loop = x.worker.loop();
  const Deadline until = x.deadline.earlier(Deadline::in(loop.now(), length));
  const net::Wake wake = co_await net::Pause{loop, {until, &x.connection.cancellation()}};
  co_return wake != net::Wake::cancelled;
}

// What the answer says about its endpoint.
upstream::CallEnd end_of_answer(const Exchange& x) {
  const upstream::CallEnd how = upstream::call_end(x.answer.head.status);
  const Duration slow = x.lane->model.health.slow;
  const bool late = slow > Duration::zero() && *x.first_byte - x.sent_at > slow;
  return late && how == upstream::CallEnd::good ? upstream::CallEnd::slow : how;
}

// Returns the error that ended the attempt; none: the answer may be relayed.
std::optional<Error> judge(Exchange& x, const Tries& tries, upstream::Health::Trial& trial, Result<Unit> received) {
  if (!received) {
    Error error = std::move(received).error();
    if (error.retry == Retry::fresh_connection) return error;  // no attempt: the model never saw the call
    report_end(x.worker, *x.lane, tries.current, trial, upstream::call_end(error));
    if (error.code == Code::invalid_request || error.code == Code::invalid_json) return error;  // nothing was sent
    observe_failure(x, error);
    note_failure(x, error);
    return error;
  }
  const int status = x.answer.head.status;
  report_end(x.worker, *x.lane, tries.current, trial, end_of_answer(x));
  observe_status(x, status);
  if (status >= 200 && status < 300) {
    count_success(x, tries.current);
    x.began_well = true;
    return std::nullopt;
  }
  count_attempt(x, "status");
  x.worker.metrics().counter(Metric::upstream_errors, {x.lane->name, "upstream_status"}).add();
  return refused_by_model(x);
}

upstream::RetryPlan plan(Exchange& x, const Tries& tries, const Error& error) {
  upstream::FailedAttempt failed{
      .retry = error.retry, .attempts = x.attempts, .retry_after = {}, .endpoint_left = endpoint_left(x, tries)};
  if (error.code == Code::upstream_status && error.retry_after > Duration::zero()) {
    failed.retry_after = error.retry_after;
  }
  const upstream::RetryMoment moment{x.worker.loop().now(), x.deadline, x.worker.random()};
  return upstream::plan_retry(x.lane->model.retry, failed, moment, x.worker.state_of(*x.lane).budget);
}

void release_attempt(Exchange& x) {
  if (x.answer.collected && x.answer.head.keep_alive && x.upstream.open()) x.upstream.keep();
  x.upstream = {};
  x.place = {};
}

constexpr Duration kLook = std::chrono::milliseconds{20};  // between looks whether another endpoint has room

// The endpoint after a failed attempt. While all others are full it waits for one of them: the call has a slot of the
// model, but that of an endpoint that may be dead. When nothing gets free in time, there once more. False: the client
// has left.
net::Task<bool> choose_next(Exchange& x, Tries& tries, upstream::Health::Trial& trial) {
  net::Loop& loop = x.worker.loop();
  const Deadline patience = Deadline::in(loop.now(), x.lane->model.queue.max_wait).earlier(x.deadline);
  for (;;) {
    const Again again = patience.reached(loop.now()) ? Again::yes : Again::no;
    if (std::optional<upstream::Health::Trial> chosen = choose(x, tries, again)) {
      trial = std::move(*chosen);
      co_return true;
    }
    const bool here = co_await pause(x, kLook);
    if (!here) co_return false;
  }
}

net::Task<Result<Next>> dispatch(Exchange& x) {
  Tries tries{.tried = std::vector<bool>(x.lane->endpoints.size()), .session = {}};
  Take take = Take::any_connection;
  if (tries.tried.empty()) co_return make_error(Code::no_endpoint, "The model has no endpoint at the moment.");
  // From here on a client that hangs up ends whatever is being waited for.
  x.connection.watch_hangup();
  x.usage_hidden = x.call.stream == llm::Stream::yes && x.call.usage != llm::UsageWish::yes &&
                   x.principal->stream_usage != config::StreamUsage::always;
  x.worker.state_of(*x.lane).budget.count_call(x.worker.loop().now());
  upstream::Health::Trial trial = *choose(x, tries);  // nothing has failed yet: there is one
  for (;;) {
    x.endpoint = x.lane->endpoints[tries.current];
    x.capacity = x.lane->capacities[tries.current].get();
    x.converter = x.lane->converters[tries.current].get();
    x.place = x.endpoint->enter();
    if (take == Take::any_connection) ++x.attempts;
    Result<Unit> received = co_await attempt(x, take);
    std::optional<Error> error = judge(x, tries, trial, std::move(received));
    if (!error) co_return Next::go_on;
    if (error->code == Code::client_gone) co_return std::move(*error);
    const upstream::RetryPlan next = plan(x, tries, *error);
    if (next.next == NextAttempt::none) {
      if (next.reason != upstream::WhyNot::pointless) {
        const std::string_view reason = upstream::why_not_name(next.reason);
        x.worker.metrics().counter(Metric::upstream_retries_denied, {x.lane->name, reason}).add();
      }
      if (error->code == Code::upstream_status && passes_unchanged(x.answer.head.status)) co_return Next::go_on;
      co_return std::move(*error);
    }
    release_attempt(x);
    bool here = co_await pause(x, next.pause);
    const bool same = next.next == NextAttempt::same_endpoint;
    take = same ? Take::new_connection : Take::any_connection;
    if (here && !same) here = co_await choose_next(x, tries, trial);
    if (!here) co_return make_error(Code::client_gone, {});
  }
}

}  // namespace

Passage Dispatch::pass(Exchange& x) {
  return dispatch(x);
}

}  // namespace intragate::pipeline

#include <algorithm>

#include "base/error_table.h"
#include "base/log.h"
#include "pipeline/attempt.h"
#include "pipeline/exchange.h"
#include "pipeline/observe.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using metrics::Metric;
using upstream::Candidate;
using upstream::NextAttempt;
using upstream::Standing;

// Where one call stands between its attempts.
struct Tries {
  std::vector<bool> tried;  // by endpoint
  std::size_t current = 0;
  Take take = Take::any_connection;
};

bool cooling(const Exchange& x, std::size_t i) {
  return !x.lane->endpoints[i]->health().open(x.worker.loop().now());
}

bool endpoint_left(const Exchange& x, const Tries& tries) {
  for (std::size_t i = 0; i < tries.tried.size(); ++i) {
    if (!tries.tried[i] && !cooling(x, i)) return true;
  }
  return false;
}

// Whether an endpoint has as many calls as it may.
bool full(const Lane& lane, std::size_t i, TimePoint now) {
  return lane.endpoints[i]->in_flight() >= lane.capacities[i]->slots(now);
}

void choose(Exchange& x, Tries& tries) {
  const TimePoint now = x.worker.loop().now();
  const auto& endpoints = x.lane->endpoints;
  if (endpoints.size() == 1) {
    tries.current = 0;
  } else {
    // A slot of the model is in hand, so that some endpoint has room, unless a tried one has the call's own.
    std::vector<bool> are_full(endpoints.size());
    for (std::size_t i = 0; i < endpoints.size(); ++i) are_full[i] = full(*x.lane, i, now);
    const bool all_full = std::all_of(are_full.begin(), are_full.end(), [](bool is) { return is; });
    std::vector<Candidate> candidates(endpoints.size());
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const upstream::Health& health = endpoints[i]->health();
      // Where the last attempt has just failed, the next one has no business while there are others.
      const bool just_failed = tries.tried[i] && i == tries.current;
      const bool out = just_failed || (are_full[i] && !all_full);
      const Standing standing = health.open(now) ? Standing::open : Standing::cooling;
      candidates[i] = {.standing = out ? Standing::out : standing,
                       .tried = tries.tried[i],
                       .weight = endpoints[i]->configured().weight,
                       .in_flight = endpoints[i]->in_flight(),
                       .recent_failures = health.recent_failures(now),
                       .cools_until = health.cools_until().value_or(now)};
    }
    tries.current = x.worker.state_of(*x.lane).choice.pick(candidates, x.worker.random()).value_or(0);
  }
  tries.tried[tries.current] = true;
}

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
  net::Loop& loop = x.worker.loop();
  const Deadline until = x.deadline.earlier(Deadline::in(loop.now(), length));
  const net::Wake wake = co_await net::Pause{loop, {until, &x.connection.cancellation()}};
  co_return wake != net::Wake::cancelled;
}

// What an attempt says about the endpoint. Returns the error that ended it; none: the answer may be relayed.
std::optional<Error> judge(Exchange& x, const Tries& tries, upstream::Health::Trial trial, Result<Unit> received) {
  const TimePoint now = x.worker.loop().now();
  if (!received) {
    Error error = std::move(received).error();
    if (error.retry == Retry::fresh_connection) return error;  // no attempt: the model never saw the call
    trial.report(upstream::evidence_of(error), now);
    observe_failure(x, error);
    note_failure(x, error);
    return error;
  }
  const int status = x.answer.head.status;
  trial.report(upstream::evidence_of_status(status), now);
  observe_status(x, status);
  if (status >= 200 && status < 300) {
    count_success(x, tries.current);
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

net::Task<Result<Next>> dispatch(Exchange& x) {
  Tries tries{.tried = std::vector<bool>(x.lane->endpoints.size())};
  if (tries.tried.empty()) co_return make_error(Code::no_endpoint, "The model has no endpoint at the moment.");
  // From here on a client that hangs up ends whatever is being waited for.
  x.connection.watch_hangup();
  x.usage_hidden = x.call.stream == llm::Stream::yes && x.call.usage != llm::UsageWish::yes &&
                   x.principal->stream_usage != config::StreamUsage::always;
  x.worker.state_of(*x.lane).budget.count_call(x.worker.loop().now());
  choose(x, tries);
  for (;;) {
    x.endpoint = x.lane->endpoints[tries.current];
    x.capacity = x.lane->capacities[tries.current].get();
    x.place = x.endpoint->enter();
    if (tries.take == Take::any_connection) ++x.attempts;
    upstream::Health::Trial trial = x.endpoint->health().begin(x.worker.loop().now());
    Result<Unit> received = co_await attempt(x, tries.take);
    std::optional<Error> error = judge(x, tries, std::move(trial), std::move(received));
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
    const bool here = co_await pause(x, next.pause);
    if (!here) co_return make_error(Code::client_gone, {});
    tries.take = next.next == NextAttempt::same_endpoint ? Take::new_connection : Take::any_connection;
    if (next.next == NextAttempt::by_choice) choose(x, tries);
  }
}

}  // namespace

Passage Dispatch::pass(Exchange& x) {
  return dispatch(x);
}

}  // namespace intragate::pipeline

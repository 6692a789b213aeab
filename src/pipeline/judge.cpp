#include "pipeline/judge.h"

#include "base/error_table.h"
#include "base/log.h"
#include "pipeline/health_report.h"
#include "pipeline/observe.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using metrics::Metric;

void count_success(Exchange& x, const Attempt& a) {
  std::vector<metrics::Counter*>& known = x.worker.state_of(*x.lane).attempts_ok;
  if (known.size() <= a.which) known.resize(a.which + 1);  // a call of an older snapshot may know more endpoints
  metrics::Counter*& counter = known[a.which];
  if (counter == nullptr) counter = &x.worker.metrics().counter(Metric::upstream_attempts, {a.endpoint->id(), "ok"});
  counter->add();
}

void count_attempt(Exchange& x, const Attempt& a, std::string_view result) {
  x.worker.metrics().counter(Metric::upstream_attempts, {a.endpoint->id(), result}).add();
}

// An attempt that gave no usable answer.
void note_failure(Exchange& x, const Attempt& a, const Error& error) {
  const std::string_view kind = error_row(error.code).name;
  const bool cancelled = error.fault == Fault::client;  // it left, or its upload went wrong
  count_attempt(x, a, cancelled ? "cancelled" : "failed");
  if (cancelled) return;
  x.worker.metrics().counter(Metric::upstream_errors, {x.lane->name, kind}).add();
  log::write(log::Level::info, "attempt failed",
             {{"request_id", x.request_id},
              {"model", x.lane->name},
              {"endpoint", a.endpoint->configured().url},
              {"attempt", static_cast<std::int64_t>(x.attempts)},
              {"error", kind},
              {"upstream_request_id", a.answer.request_id()},
              {"detail", error.detail}});
}

// The model's answer with a status that is no success, as an error of ours; what the client may see of it decides
// answer_status.
Error refused_by_model(const Exchange& x, const Attempt& a) {
  const int status = a.answer.head.status;
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
  error.retry_after = upstream::parse_retry_after(a.answer.retry_after(), now).value_or(Duration{});
  return error;
}

// What the answer says about its endpoint.
upstream::CallEnd end_of_answer(const Exchange& x, const Attempt& a) {
  const upstream::CallEnd how = upstream::call_end(a.answer.head.status);
  const Duration slow = x.lane->model.health.slow;
  const bool late = slow > Duration::zero() && *a.first_byte - a.sent_at > slow;
  return late && how == upstream::CallEnd::good ? upstream::CallEnd::slow : how;
}

}  // namespace

bool passes_unchanged(int status) {
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 407;
}

std::optional<Error> judge(Exchange& x, Attempt& a, Result<Unit> received) {
  if (!received) {
    Error error = std::move(received).error();
    if (error.retry == Retry::fresh_connection) return error;  // no attempt: the model never saw the call
    report_end(x.worker, *x.lane, a.which, a.trial, upstream::call_end(error));
    if (error.code == Code::invalid_request || error.code == Code::invalid_json) return error;  // nothing was sent
    observe_failure(x, a, error);
    note_failure(x, a, error);
    return error;
  }
  const int status = a.answer.head.status;
  report_end(x.worker, *x.lane, a.which, a.trial, end_of_answer(x, a));
  observe_status(x, a);
  if (status >= 200 && status < 300) {
    count_success(x, a);
    x.began_well = true;
    return std::nullopt;
  }
  count_attempt(x, a, "status");
  x.worker.metrics().counter(Metric::upstream_errors, {x.lane->name, "upstream_status"}).add();
  return refused_by_model(x, a);
}

void release(Attempt& a) {
  if (a.answer.collected && a.answer.head.keep_alive && a.upstream.open()) a.upstream.keep();
  a.upstream = {};
  a.place = {};
}

}  // namespace intragate::pipeline

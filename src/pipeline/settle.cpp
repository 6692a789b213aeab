#include "pipeline/settle.h"

#include <algorithm>
#include <cassert>

#include "base/error_table.h"
#include "base/log.h"
#include "net/certificate.h"
#include "pipeline/exchange.h"
#include "pipeline/health_report.h"
#include "pipeline/observe.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

struct End {
  int status = 0;
  std::string_view outcome = "ok";
  std::string_view error;
};

End end_of(const Exchange& x) {
  const int sent = x.reply.head_sent() ? x.reply.status() : 0;
  if (!x.error) return {sent, "ok", {}};
  const ErrorRow& row = error_row(x.error->code);
  if (x.connection.cancellation().reason() == net::CancelReason::shutdown) return {sent, "shutdown", row.name};
  return {x.error->code == Code::client_gone ? 499 : sent, row.outcome, row.name};
}

// Bytes of the answer's body. Of a client that left, only those its system acknowledged: what it did not get is not on
// its bill.
std::uint64_t delivered(const Exchange& x) {
  const std::uint64_t written = x.reply.bytes();
  if (!x.error || x.error->code != Code::client_gone) return written;
  return written - std::min<std::uint64_t>(written, x.connection.unacknowledged());
}

// For the model: until it got the call, or until the call ended without.
Duration waited(const Exchange& x, TimePoint now) {
  if (x.queued) return *x.queued;
  return x.waiting_since == TimePoint{} ? Duration{} : now - x.waiting_since;
}

// Of the answer, also where it went on elsewhere.
std::optional<TimePoint> first_byte_of(const Exchange& x) {
  return x.answer_began ? x.answer_began : x.first_byte;
}

std::string content_of(Exchange& x) {
  if (!x.transcript) return {};
  // A call that ended before it was screened, or by that: what its client asked.
  const bool asked = x.connection.request_complete() && !x.asked().empty();
  if (asked && !x.transcript->has_prompt()) x.transcript->prompt(x.asked());
  return x.transcript->json();
}

void write_record(Exchange& x, const End& end, TimePoint now) {
  audit::Record record;
  record.time = x.wall;
  record.request_id = x.request_id;
  if (x.principal != nullptr) {
    record.principal = x.principal->name;
    record.key_id = x.principal->key_id;
  }
  if (const net::Certificate* shown = x.connection.peer_certificate()) record.certificate = shown->subject;
  record.end_user = x.call.user;
  record.address = x.address;
  if (x.target.route != nullptr) record.api = llm::api_name(x.target.route->api);
  record.model = x.lane != nullptr ? std::string_view{x.lane->name} : std::string_view{x.call.model};
  if (x.endpoint != nullptr) record.endpoint = x.endpoint->configured().url;
  record.attempts = x.attempts;
  record.status = end.status;
  record.outcome = end.outcome;
  record.error = end.error;
  record.usage = x.usage;
  record.queue = waited(x, now);
  const std::optional<TimePoint> first = first_byte_of(x);
  record.first_byte = first ? *first - x.begun : Duration{-1};
  record.continued_from = x.continued_from;
  record.total = now - x.begun;
  record.bytes_in = x.bytes_in;
  record.bytes_out = x.delivered;
  const std::string content = content_of(x);
  record.content = content;
  const std::string rules = x.screening ? x.screening->json() : std::string{};
  record.content_rules = rules;
  x.worker.audit().append(x.worker.loop().index(), record);
}

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

using metrics::Metric;

// Calls that go well are the many: their series are looked up once for each model and API.
LaneState::ApiMetrics& metrics_of(Exchange& x, std::string_view api, std::string_view operation) {
  LaneState::ApiMetrics& known = x.worker.state_of(*x.lane).api[static_cast<std::size_t>(x.target.route->api)];
  if (known.ok != nullptr) return known;
  metrics::Shard& m = x.worker.metrics();
  const std::string_view model = x.lane->name;
  known.ok = &m.counter(Metric::requests, {api, model, "ok", "200"});
  known.request_seconds = &m.histogram(Metric::request_seconds, {operation, metrics::kProvider, model, ""});
  known.first_token_seconds = &m.histogram(Metric::first_token_seconds, {operation, metrics::kProvider, model});
  known.tokens_in = &m.histogram(Metric::tokens, {operation, metrics::kProvider, model, "input"});
  known.tokens_out = &m.histogram(Metric::tokens, {operation, metrics::kProvider, model, "output"});
  return known;
}

void count_end(Exchange& x, const End& end, std::string_view api) {
  const std::string_view model = x.lane != nullptr ? std::string_view{x.lane->name} : std::string_view{};
  const std::string status = std::to_string(end.status);
  x.worker.metrics().counter(Metric::requests, {api, model, end.outcome, status}).add();
}

void count(Exchange& x, const End& end, TimePoint now) {
  const std::string_view api = x.target.route != nullptr ? llm::api_name(x.target.route->api) : std::string_view{};
  if (x.lane == nullptr) {
    count_end(x, end, api);
    return;
  }
  const std::string_view operation = metrics::operation_of(api);
  LaneState::ApiMetrics& m = metrics_of(x, api, operation);
  const bool ok = !x.error && end.status == 200;
  const double took = seconds(now - x.begun);
  if (ok) {
    m.ok->add();
    m.request_seconds->observe(took);
  } else {
    count_end(x, end, api);
    x.worker.metrics()
        .histogram(Metric::request_seconds, {operation, metrics::kProvider, x.lane->name, end.error})
        .observe(took);
  }
  // Zero is what nobody counted, or an embedding's output.
  if (x.usage.prompt_tokens > 0) m.tokens_in->observe(static_cast<double>(x.usage.prompt_tokens));
  if (x.usage.completion_tokens > 0) m.tokens_out->observe(static_cast<double>(x.usage.completion_tokens));
  const std::optional<TimePoint> first = first_byte_of(x);
  if (x.error || !first || !x.answer.event_stream) return;
  m.first_token_seconds->observe(seconds(*first - x.begun));
  if (x.usage.completion_tokens > 1) {
    const double rest = seconds(now - *first) / static_cast<double>(x.usage.completion_tokens - 1);
    x.worker.metrics()
        .histogram(Metric::output_token_seconds, {operation, metrics::kProvider, x.lane->name})
        .observe(rest);
  }
}

void log_trouble(const Exchange& x, const End& end) {
  // Whoever cancels knows, and the admin server has logged it.
  if (!x.error || x.error->fault == Fault::client || x.error->code == Code::cancelled) return;
  log::warning("call failed", {{"request_id", x.request_id},
                               {"error", end.error},
                               {"model", x.lane != nullptr ? std::string_view{x.lane->name} : std::string_view{}},
                               {"endpoint", x.endpoint != nullptr ? std::string_view{x.endpoint->configured().url}
                                                                  : std::string_view{}},
                               {"attempts", static_cast<std::int64_t>(x.attempts)},
                               {"upstream_request_id", x.answer.request_id()},
                               {"detail", x.error->detail}});
}

// Tokens that count: what the model said; for an answer that was cut off, the estimate of the prompt and what was
// delivered.
Gate::Used used_by(const Exchange& x) {
  if (x.usage.source == llm::UsageSource::upstream) {
    return {x.usage.prompt_tokens, x.usage.completion_tokens, !x.error};
  }
  return {x.events > 0 ? x.prompt_estimate : 0, x.events, false};
}

void settle_limits(Exchange& x) {
  const Gate::Used used = used_by(x);
  if (x.reservation) {
    Ledger& ledger = x.worker.ledger();
    if (x.queued || only_counts(x)) {
      ledger.commit(std::move(x.reservation), used.prompt + used.answer, moment_of(x));
    } else {
      x.reservation = {};  // no model ever saw it
    }
    if (x.lane->gate->unlimited() && used.whole) x.lane->gate->count_answer(used.answer);
  }
  free_slot(x);
}

// An answer that began well and broke is a failure of its endpoint after all.
void report_break(Exchange& x, TimePoint now) {
  if (!x.began_well || !x.error || upstream::call_end(*x.error) != upstream::CallEnd::failed) return;
  const bool total = x.deadline.reached(now);  // how long an answer may take is no matter of the endpoint's health
  if (!total) note_turn(x.worker, *x.endpoint, x.endpoint->health().broke(now));
}

}  // namespace

std::uint64_t estimated_prompt(std::uint64_t body_bytes, std::uint64_t context_window) {
  constexpr std::uint64_t kBytes = 4;
  constexpr std::uint64_t kMost = 32768;
  return std::min<std::uint64_t>(body_bytes / kBytes + 1, context_window > 0 ? context_window : kMost);
}

std::uint64_t estimated_prompt(const Exchange& x) {
  if (x.prompt_counted) return *x.prompt_counted;
  return estimated_prompt(x.bytes_in, x.lane->model.context_window);
}

bool only_counts(const Exchange& x) {
  return x.target.route != nullptr && x.target.route->api == llm::Api::count_tokens;
}

qos::Moment moment_of(const Exchange& x) {
  const TimePoint now = x.worker.loop().now();
  return {now, x.wall + (now - x.begun)};
}

void free_slot(Exchange& x) {
  observe_end(x);
  x.place = {};  // before the slot: whoever gets that looks for the endpoint with room
  if (x.slot) x.lane->gate->finish(std::move(x.slot), used_by(x), x.worker.loop().now());
}

// The model learns from the closing of its connection that nobody wants its answer any more.
void leave_model(Exchange& x) {
  x.upstream = {};
  free_slot(x);
}

void settle(Exchange& x) noexcept {
  assert(!x.settled);
  x.settled = true;
  x.upstream = {};  // back to its pool, or closed
  x.delivered = delivered(x);
  if (x.usage.source == llm::UsageSource::none && x.delivered > 0 && x.events > 0) {
    x.usage = {0, x.events * x.delivered / x.reply.bytes(), llm::UsageSource::counted};
  }
  const TimePoint now = x.worker.loop().fresh_now();
  settle_limits(x);
  report_break(x, now);
  const End end = end_of(x);
  write_record(x, end, now);
  count(x, end, now);
  if (x.screening) x.screening->count(x.worker.metrics());
  log_trouble(x, end);
}

}  // namespace intragate::pipeline

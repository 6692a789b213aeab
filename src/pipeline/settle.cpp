#include "pipeline/settle.h"

#include <cassert>

#include "base/error_table.h"
#include "base/log.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

struct End {
  int status = 0;
  std::string_view outcome = "ok";
  std::string_view error;
};

End end_of(const Exchange& x) {
  if (!x.error) return {x.reply.status(), "ok", {}};
  const ErrorRow& row = error_row(x.error->code);
  if (x.error->code == Code::client_gone && x.connection.cancellation().reason() == net::CancelReason::shutdown) {
    return {x.reply.head_sent() ? x.reply.status() : 503, "shutdown", "draining"};
  }
  const int status = x.error->code == Code::client_gone ? 499 : x.reply.status() != 0 ? x.reply.status() : row.status;
  return {status, row.outcome, row.name};
}

void write_record(Exchange& x, const End& end, TimePoint now) {
  audit::Record record;
  record.time = x.wall;
  record.request_id = x.request_id;
  if (x.principal != nullptr) {
    record.principal = x.principal->name;
    record.key_id = x.principal->key_id;
  }
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
  record.first_byte = x.first_byte ? *x.first_byte - x.begun : Duration{-1};
  record.total = now - x.begun;
  record.bytes_in = x.bytes_in;
  record.bytes_out = x.reply.bytes();
  x.worker.audit().append(x.worker.loop().index(), record);
}

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

std::string_view status_text(int status) {
  switch (status) {
    case 200: return "200";
    case 400: return "400";
    case 401: return "401";
    case 403: return "403";
    case 404: return "404";
    case 429: return "429";
    case 499: return "499";
    case 502: return "502";
    case 503: return "503";
    case 504: return "504";
    default: return {};
  }
}

void count(Exchange& x, const End& end, TimePoint now) {
  using metrics::Metric;
  metrics::Shard& m = x.worker.metrics();
  const std::string_view api = x.target.route != nullptr ? llm::api_name(x.target.route->api) : std::string_view{};
  const std::string_view operation = metrics::operation_of(api);
  const std::string_view model = x.lane != nullptr ? std::string_view{x.lane->name} : std::string_view{};
  const std::string_view known = status_text(end.status);
  const std::string other = known.empty() ? std::to_string(end.status) : std::string{};
  m.counter(Metric::requests, {api, model, end.outcome, known.empty() ? std::string_view{other} : known}).add();
  if (x.lane == nullptr) return;
  m.histogram(Metric::request_seconds, {operation, model}).observe(seconds(now - x.begun));
  if (x.usage.source != llm::UsageSource::none) {
    m.histogram(Metric::tokens, {operation, model, "input"}).observe(static_cast<double>(x.usage.prompt_tokens));
    m.histogram(Metric::tokens, {operation, model, "output"}).observe(static_cast<double>(x.usage.completion_tokens));
  }
  if (x.error || !x.first_byte) return;
  m.histogram(Metric::first_token_seconds, {operation, model}).observe(seconds(*x.first_byte - x.begun));
  if (x.answer.event_stream && x.usage.completion_tokens > 1) {
    const double rest = seconds(now - *x.first_byte) / static_cast<double>(x.usage.completion_tokens - 1);
    m.histogram(Metric::output_token_seconds, {operation, model}).observe(rest);
  }
}

void log_trouble(const Exchange& x, const End& end) {
  if (!x.error || x.error->fault == Fault::client) return;
  log::warning("call failed", {{"request_id", x.request_id},
                               {"error", end.error},
                               {"model", x.lane != nullptr ? std::string_view{x.lane->name} : std::string_view{}},
                               {"endpoint", x.endpoint != nullptr ? std::string_view{x.endpoint->configured().url}
                                                                  : std::string_view{}},
                               {"attempts", static_cast<std::int64_t>(x.attempts)},
                               {"detail", x.error->detail}});
}

}  // namespace

void settle(Exchange& x) noexcept {
  assert(!x.settled);
  x.settled = true;
  // Back what was taken: the model learns of a client that left from the closing of its connection, before anything
  // else.
  x.upstream = {};
  x.place = {};
  if (x.usage.source == llm::UsageSource::none && x.events > 0) {
    x.usage = {0, x.events, llm::UsageSource::counted};
  }
  const TimePoint now = x.worker.loop().fresh_now();
  const End end = end_of(x);
  write_record(x, end, now);
  count(x, end, now);
  log_trouble(x, end);
}

}  // namespace intragate::pipeline

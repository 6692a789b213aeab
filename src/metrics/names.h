// The one table of all metrics: name, type, labels, what it means. docs/metrics.md is checked against it by a test.
// Model labels carry configured names only (a name that a client invented is ""), so that nobody can fill the registry;
// no label ever carries a key, a user, or a prompt; `key` is the configured name of one. `endpoint` is its id,
// "qwen2.5-7b/0", not its address. Does not: count (registry.h). Rule: names and labels follow OpenTelemetry's GenAI
// conventions (1.42, "development") where one exists, else Prometheus' naming rules.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "metrics/metric.h"

namespace intragate::metrics {

enum class Type : std::uint8_t { counter, gauge, histogram };

inline constexpr std::size_t kMaxLabels = 4;
inline constexpr std::size_t kMaxBounds = 20;

struct Definition {
  Metric metric;
  Type type;
  std::string_view name;
  std::array<std::string_view, kMaxLabels> labels;  // the unused ones are empty
  std::span<const double> bounds;                   // histograms: upper bounds, ascending, without +Inf
  std::string_view help;

  [[nodiscard]] constexpr std::size_t label_count() const {
    std::size_t count = 0;
    while (count < kMaxLabels && !labels[count].empty()) ++count;
    return count;
  }
};

namespace bounds {
// The boundaries that OpenTelemetry's GenAI conventions recommend for each instrument.
inline constexpr std::array kTokens{1.0,     4.0,     16.0,     64.0,      256.0,     1024.0,     4096.0,
                                    16384.0, 65536.0, 262144.0, 1048576.0, 4194304.0, 16777216.0, 67108864.0};
inline constexpr std::array kDuration{0.01, 0.02, 0.04, 0.08,  0.16,  0.32,  0.64,
                                      1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
inline constexpr std::array kFirstToken{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,
                                        0.25,  0.5,   0.75, 1.0,  2.5,  5.0,  7.5,  10.0};
inline constexpr std::array kOutputToken{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5};
inline constexpr std::array kQueue{0.001, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0};
}  // namespace bounds

// clang-format off
inline constexpr std::array<Definition, kMetricCount> kTable{{
    {Metric::requests, Type::counter, "intragate_requests_total", {"api", "model", "outcome", "status"}, {},
     "Calls by how they ended; connections refused unread are counted apart."},
    {Metric::tokens, Type::histogram, "gen_ai_client_token_usage",
     {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "gen_ai_token_type"}, bounds::kTokens,
     "Tokens per call, input and output, as the model or the gateway counted them; what nobody counted is left out."},
    {Metric::request_seconds, Type::histogram, "gen_ai_server_request_duration_seconds",
     {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model", "error_type"}, bounds::kDuration,
     "From a call's first byte to the last byte of its answer."},
    {Metric::first_token_seconds, Type::histogram, "gen_ai_server_time_to_first_token_seconds",
     {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"}, bounds::kFirstToken,
     "From a call's first byte to the first byte of the model's answer; successful streams."},
    {Metric::output_token_seconds, Type::histogram, "gen_ai_server_time_per_output_token_seconds",
     {"gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"}, bounds::kOutputToken,
     "Mean time per output token after the first; one value for every successful stream."},
    {Metric::inter_token_seconds, Type::histogram, "intragate_inter_token_seconds", {"model"}, bounds::kOutputToken,
     "Pauses between two events of a stream as they came from the model."},
    {Metric::queue_seconds, Type::histogram, "intragate_queue_seconds", {"model"}, bounds::kQueue,
     "Time a call waited in the gateway before the model got it."},
    {Metric::key_wait_seconds, Type::histogram, "intragate_key_wait_seconds", {"key"}, bounds::kQueue,
     "Waits for a slot by the name of the key, however they ended; calls that got one at once are not in it."},
    {Metric::key_failures, Type::counter, "intragate_key_failures_total", {"reason"}, {},
     "Calls refused because of their key, by error code: invalid, expired or revoked, used from elsewhere, too many wrong ones."},
    {Metric::replaced_key_uses, Type::counter, "intragate_replaced_key_uses_total", {"key"}, {},
     "Calls with an old secret of a key that was rotated, within its grace."},
    {Metric::key_due, Type::gauge, "intragate_key_due_timestamp_seconds", {"key"}, {},
     "When a key stops working or is to be rotated, in seconds since 1970; keys that never do are left out."},
    {Metric::store_usable, Type::gauge, "intragate_store_usable", {}, {},
     "1: the store's keys are up to date, or there is no store; 0: it cannot be used, and they stay as they were."},
    {Metric::open_streams, Type::gauge, "intragate_open_streams", {"model"}, {},
     "Streams that are being relayed now."},
    {Metric::open_connections, Type::gauge, "intragate_open_connections", {"listener"}, {},
     "Client connections that are open now."},
    {Metric::connections, Type::counter, "intragate_connections_total", {"listener"}, {},
     "Client connections accepted."},
    {Metric::refused_connections, Type::counter, "intragate_refused_connections_total", {"listener", "reason"}, {},
     "Client connections closed unread: address (not in listen.allow), limit (listen.max_connections), "
     "memory (memory_limit) or tls (no handshake)."},
    {Metric::tls_handshakes, Type::counter, "intragate_tls_handshakes_total", {"listener", "result"}, {},
     "TLS handshakes with clients: full, resumed or failed."},
    {Metric::certificate_expiry, Type::gauge, "intragate_certificate_expiry_seconds", {"use"}, {},
     "Seconds until a certificate of the gateway's own expires, by the listener or endpoint that it is used at; negative: it has."},
    {Metric::max_connections, Type::gauge, "intragate_max_connections", {"listener"}, {},
     "Client connections that may be open at once (listen.max_connections)."},
    {Metric::limited, Type::counter, "intragate_limited_total", {"per", "limit", "rule"}, {},
     "Calls refused by a limit: per user, key, address or model, what was used up, and the rule, by its place in the list."},
    {Metric::queue_waiting, Type::gauge, "intragate_queue_waiting", {"model", "priority"}, {},
     "Calls that wait for a slot now."},
    {Metric::queue_refused, Type::counter, "intragate_queue_refused_total", {"model", "reason"}, {},
     "Calls that got no slot, refused (queue_full, user_share, made_room, batch_share, too_late, max_wait) or gone "
     "while they waited (client_left, cancelled, shutdown)."},
    {Metric::fairness_debt, Type::gauge, "intragate_fairness_debt_tokens", {"model", "per"}, {},
     "Among those who wait now: how much more the most served got than the least served, in weighted tokens, per key and per user."},
    {Metric::slots, Type::gauge, "intragate_slots", {"model", "state"}, {},
     "Slots of a model that limits its concurrency: total and used."},
    {Metric::answers_cut, Type::counter, "intragate_answers_cut_total", {"model"}, {},
     "Answers ended by models[].max_answer_tokens, with finish_reason length."},
    {Metric::repairs, Type::counter, "intragate_repairs_total", {"model", "repair"}, {},
     "Answers in which something was mended (models[].repair), by what it was."},
    {Metric::content_findings, Type::counter, "intragate_content_findings_total", {"rule", "action", "in"}, {},
     "What content rules found in prompts and answers, counted when the call has ended."},
    {Metric::adaptive_limit, Type::gauge, "intragate_adaptive_limit", {"endpoint"}, {},
     "Calls at once that an endpoint with `max_concurrency: auto` gets, as found so far."},
    {Metric::upstream_attempts, Type::counter, "intragate_upstream_attempts_total", {"endpoint", "result"}, {},
     "Attempts at an endpoint: ok, status (its own error), failed (no usable answer), cancelled."},
    {Metric::upstream_errors, Type::counter, "intragate_upstream_errors_total", {"model", "kind"}, {},
     "Attempts that failed, by error code (docs/errors.md)."},
    {Metric::upstream_retries, Type::counter, "intragate_upstream_retries_total", {"model"}, {},
     "Failed attempts that were followed by another one, continuations included; hedges are counted apart."},
    {Metric::upstream_retries_denied, Type::counter, "intragate_upstream_retries_denied_total", {"model", "reason"}, {},
     "Failures that were not tried again: attempts, budget, deadline, retry_after."},
    {Metric::hedges, Type::counter, "intragate_hedges_total", {"model", "result"}, {},
     "Second endpoints beside a late one: won, lost, failed, cancelled; and not asked: no_budget, no_room."},
    {Metric::continuations, Type::counter, "intragate_continuations_total", {"model", "result"}, {},
     "Answers that broke off and were to go on elsewhere: ok, failed, impossible, no_endpoint."},
    {Metric::pool_connections, Type::gauge, "intragate_pool_connections", {"endpoint", "state"}, {},
     "Connections to an endpoint: idle or busy."},
    {Metric::endpoint_up, Type::gauge, "intragate_endpoint_up", {"endpoint"}, {},
     "1: the endpoint gets calls; 0: it cools down after failures."},
    {Metric::breaker_state, Type::gauge, "intragate_breaker_state", {"endpoint", "state"}, {},
     "1 for the state that the endpoint's breaker is in: closed (gets calls), open (cools down), half_open (is tried)."},
    {Metric::breaker_opened, Type::counter, "intragate_breaker_opened_total", {"endpoint", "reason"}, {},
     "Cool-downs begun: failures, error_rate, slow_rate, outlier (ejected), probe (the trial call failed)."},
    {Metric::audit_records, Type::counter, "intragate_audit_records_total", {}, {},
     "Audit records of calls written to disk; events are not counted."},
    {Metric::audit_dropped, Type::counter, "intragate_audit_dropped_total", {}, {},
     "Audit records lost because the disk took none for too long; anything but 0 needs attention."},
    {Metric::audit_waiting, Type::gauge, "intragate_audit_waiting_records", {}, {},
     "Audit records in memory that are not on disk yet."},
    {Metric::audit_copied, Type::counter, "intragate_audit_copied_total", {"to"}, {},
     "Audit records that the system of an audit.copies target has taken (by UDP: that were sent)."},
    {Metric::audit_copy_dropped, Type::counter, "intragate_audit_copy_dropped_total", {"to"}, {},
     "Audit records that a copy lacks because its target took none for too long, or could not take one so long."},
    {Metric::audit_copy_waiting, Type::gauge, "intragate_audit_copy_waiting_bytes", {"to"}, {},
     "What waits for an audit.copies target."},
    {Metric::audit_copy_up, Type::gauge, "intragate_audit_copy_up", {"to"}, {},
     "1: an audit.copies target takes records; 0: it cannot be reached."},
    {Metric::reloads, Type::counter, "intragate_reloads_total", {"result"}, {},
     "Configuration reloads: ok or refused (the old one stays)."},
    {Metric::last_reload_successful, Type::gauge, "intragate_last_reload_successful", {}, {},
     "1: the last reload was taken over, or there was none; 0: it was refused."},
    {Metric::memory_held, Type::gauge, "intragate_memory_held_bytes", {}, {},
     "What request bodies and buffers hold now."},
    {Metric::memory_limit, Type::gauge, "intragate_memory_limit_bytes", {}, {},
     "What they may hold together (memory_limit)."},
    {Metric::series_overflow, Type::counter, "intragate_metrics_overflow_total", {}, {},
     "Look-ups that fell into a metric's `other` series because it has too many label values."},
    {Metric::build_info, Type::gauge, "intragate_build_info", {"version"}, {},
     "Always 1; the label says which version runs."},
    {Metric::process_memory, Type::gauge, "process_resident_memory_bytes", {}, {},
     "Resident memory of the process."},
    {Metric::process_cpu, Type::counter, "process_cpu_seconds_total", {}, {},
     "User and system time of the process."},
    {Metric::process_open_fds, Type::gauge, "process_open_fds", {}, {},
     "Open file descriptors."},
    {Metric::process_max_fds, Type::gauge, "process_max_fds", {}, {},
     "Limit of open file descriptors."},
    {Metric::process_start, Type::gauge, "process_start_time_seconds", {}, {},
     "When the process started, in seconds since 1970."},
}};
// clang-format on

[[nodiscard]] constexpr const Definition& definition(Metric metric) {
  return kTable[static_cast<std::size_t>(metric)];
}

// The convention's word for an API: `chat`, `text_completion`, `embeddings`. Takes llm::api_name(); others are their
// own.
[[nodiscard]] constexpr std::string_view operation_of(std::string_view api) {
  if (api == "messages" || api == "responses") return "chat";
  return api == "completions" ? "text_completion" : api;
}

// The value of gen_ai_provider_name. The convention means the flavour of the API rather than who runs the model: as
// long as there is one dialect, there is one.
inline constexpr std::string_view kProvider = "openai";

constexpr bool table_is_sound() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].metric != static_cast<Metric>(i) || kTable[i].bounds.size() > kMaxBounds) return false;
    if ((kTable[i].type == Type::histogram) == kTable[i].bounds.empty()) return false;
  }
  return true;
}
static_assert(table_is_sound(), "names.h: one row per metric, in the order of enum Metric; bounds for histograms only");

}  // namespace intragate::metrics

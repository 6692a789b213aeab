// What is measured, as names for the code. What each means is in metrics/names.h. Does not: count (registry.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace intragate::metrics {

// In the order of kTable.
enum class Metric : std::uint8_t {
  requests,
  tokens,
  request_seconds,
  first_token_seconds,
  output_token_seconds,
  inter_token_seconds,
  queue_seconds,
  key_wait_seconds,
  key_failures,
  replaced_key_uses,
  key_due,
  store_usable,
  open_streams,
  open_connections,
  connections,
  refused_connections,
  tls_handshakes,
  certificate_expiry,
  max_connections,
  limited,
  queue_waiting,
  queue_refused,
  fairness_debt,
  slots,
  answers_cut,
  repairs,
  content_findings,
  adaptive_limit,
  upstream_attempts,
  upstream_errors,
  upstream_retries,
  upstream_retries_denied,
  hedges,
  continuations,
  pool_connections,
  endpoint_up,
  breaker_state,
  breaker_opened,
  audit_records,
  audit_dropped,
  audit_waiting,
  audit_copied,
  audit_copy_dropped,
  audit_copy_waiting,
  audit_copy_up,
  reloads,
  last_reload_successful,
  memory_held,
  memory_limit,
  series_overflow,
  build_info,
  process_memory,
  process_cpu,
  process_open_fds,
  process_max_fds,
  process_start,
};
inline constexpr std::size_t kMetricCount = static_cast<std::size_t>(Metric::process_start) + 1;

}  // namespace intragate::metrics

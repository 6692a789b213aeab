#include "base/error_table.h"

#include <algorithm>
#include <array>

namespace intragate {
namespace {

using enum Code;
using F = Fault;
using R = Retry;

constexpr std::string_view kRequest = "invalid_request_error";
constexpr std::string_view kUpstream = "upstream_error";
constexpr std::string_view kServer = "server_error";

// clang-format off
constexpr std::array<ErrorRow, kCodeCount> kTable{{
    // code                 name                    status type                    fault          retry         retry_after outcome
    {malformed_request,     "malformed_request",     400, kRequest,               F::client,     R::never,     false, "malformed"},
    {head_too_large,        "head_too_large",        431, kRequest,               F::client,     R::never,     false, "refused"},
    {body_too_large,        "body_too_large",        413, kRequest,               F::client,     R::never,     false, "refused"},
    {request_timeout,       "request_timeout",       408, kRequest,               F::client,     R::never,     false, "refused"},
    {unsupported_method,    "unsupported_method",    405, kRequest,               F::client,     R::never,     false, "refused"},
    {unknown_path,          "unknown_path",          404, kRequest,               F::client,     R::never,     false, "refused"},
    {expectation_failed,    "expectation_failed",    417, kRequest,               F::client,     R::never,     false, "refused"},
    {invalid_json,          "invalid_json",          400, kRequest,               F::client,     R::never,     false, "refused"},
    {invalid_request,       "invalid_request",       400, kRequest,               F::client,     R::never,     false, "refused"},
    {context_exceeded,      "context_length_exceeded", 400, kRequest,             F::client,     R::never,     false, "refused"},
    {invalid_key,           "invalid_api_key",       401, "authentication_error", F::client,     R::never,     false, "refused"},
    {expired_key,           "expired_api_key",       401, "authentication_error", F::client,     R::never,     false, "refused"},
    {revoked_key,           "revoked_api_key",       401, "authentication_error", F::client,     R::never,     false, "refused"},
    {too_many_wrong_keys,   "too_many_wrong_keys",   429, "authentication_error", F::client,     R::never,     true,  "refused"},
    {address_not_allowed,   "address_not_allowed",   403, "permission_error",     F::client,     R::never,     false, "refused"},
    {api_not_allowed,       "api_not_allowed",       403, "permission_error",     F::client,     R::never,     false, "refused"},
    {model_not_allowed,     "model_not_allowed",     403, "permission_error",     F::client,     R::never,     false, "refused"},
    {unknown_model,         "model_not_found",       404, kRequest,               F::client,     R::never,     false, "refused"},
    {content_refused,       "content_filter",        400, kRequest,               F::client,     R::never,     false, "refused"},
    {rate_limited,          "rate_limit_exceeded",   429, "rate_limit_error",     F::client,     R::never,     true,  "refused"},
    {queue_full,            "queue_full",            429, "rate_limit_error",     F::ours,       R::never,     true,  "refused"},
    {upstream_unreachable,  "upstream_unreachable",  502, kUpstream,              F::upstream,   R::elsewhere, false, "upstream_error"},
    {upstream_broke,        "upstream_broke",        502, kUpstream,              F::upstream,   R::elsewhere, false, "upstream_error"},
    {upstream_malformed,    "upstream_malformed",    502, kUpstream,              F::upstream,   R::elsewhere, false, "upstream_error"},
    {upstream_status,       "upstream_status",       502, kUpstream,              F::upstream,   R::never,     false, "upstream_error"},
    {upstream_timeout,      "upstream_timeout",      504, kUpstream,              F::upstream,   R::elsewhere, false, "upstream_timeout"},
    {egress_denied,         "egress_denied",         502, kUpstream,              F::ours,       R::elsewhere, false, "upstream_error"},
    {no_endpoint,           "no_endpoint",           503, kServer,                F::upstream,   R::never,     true,  "upstream_error"},
    {audit_unavailable,     "audit_unavailable",     503, kServer,                F::dependency, R::never,     true,  "refused"},
    {draining,              "draining",              503, kServer,                F::ours,       R::never,     true,  "refused"},
    {overloaded,            "overloaded",            503, kServer,                F::ours,       R::never,     true,  "refused"},
    {memory_full,           "memory_full",           503, kServer,                F::ours,       R::never,     true,  "refused"},
    {client_gone,           "client_gone",           499, kRequest,               F::client,     R::never,     false, "client_cancelled"},
    {cancelled,             "cancelled",             410, "cancelled_error",      F::ours,       R::never,     false, "cancelled"},
    {invalid_configuration, "invalid_configuration", 500, kServer,                F::ours,       R::never,     false, "error"},
    {io,                    "io",                    500, kServer,                F::ours,       R::never,     false, "error"},
    {internal,              "internal",              500, kServer,                F::ours,       R::never,     false, "error"},
}};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (kTable[i].code != static_cast<Code>(i)) return false;
  }
  return true;
}
static_assert(in_order(), "error_table.cpp: one row per code, in the order of enum Code");

}  // namespace

const ErrorRow& error_row(Code code) noexcept {
  return kTable[static_cast<std::size_t>(code)];
}

int retry_after_seconds(const Error& error, int fallback) noexcept {
  if (error.retry_after <= Duration::zero()) return fallback;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(error.retry_after).count();
  return static_cast<int>(std::clamp<long>(seconds, 1, 3600));
}

Error make_error(Code code, std::string message) {
  const ErrorRow& row = error_row(code);
  return Error{.code = code, .fault = row.fault, .retry = row.retry, .message = std::move(message)};
}

}  // namespace intragate

// Error: what went wrong, whose fault it was, and whether another attempt makes sense. A plain value; making one
// neither logs nor counts (the settle station does, once). Status, type and outcome of every code stand in
// base/error_table.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"

namespace intragate {

// One code per thing that can go wrong. A new one needs a row in error_table.cpp (a test walks them all).
enum class Code : std::uint8_t {
  malformed_request,      // not HTTP, or HTTP that request smuggling lives on
  head_too_large,         // request line and headers above listen.max_head
  body_too_large,         // body above listen.max_body
  request_timeout,        // the client sent its head or body too slowly
  unsupported_method,     // a known path, another method
  unknown_path,           // no such URL
  expectation_failed,     // an Expect header other than 100-continue
  invalid_json,           // the body is not one JSON object
  invalid_request,        // JSON, but without what the API needs
  context_exceeded,       // prompt and answer together are more than the model can hold
  invalid_key,            // no key, or one nobody issued
  expired_key,            // a key past its `expires`, its grace, or the age that keys may have
  revoked_key,            // a key that was revoked
  too_many_wrong_keys,    // so many different wrong keys came from this address that it has to wait
  address_not_allowed,    // the key may not be used from this address
  api_not_allowed,        // the key may not use this API
  model_not_allowed,      // the key may not use this model
  unknown_model,          // no such model here
  content_refused,        // a content rule found what must not be sent, or shown
  rate_limited,           // a limit of this principal
  queue_full,             // the model's queue is full
  upstream_unreachable,   // no connection to any endpoint
  upstream_broke,         // the connection died before the answer was whole
  upstream_malformed,     // the answer is not the protocol it should be
  upstream_status,        // the model refused or failed, and its own answer goes to the client
  upstream_timeout,       // connect, first_byte, between_chunks or total ran out
  egress_denied,          // the endpoint resolves to an address that egress does not allow
  no_endpoint,            // every endpoint of the model is cooling down, or its names are not known yet
  audit_unavailable,      // records cannot be written and audit.on_full says refuse
  draining,               // the gateway is stopping
  overloaded,             // listen.max_connections is reached, or the process may not open another descriptor
  memory_full,            // memory_limit is reached
  client_gone,            // nobody is left to answer; only in records
  cancelled,              // an administrator ended the call
  invalid_configuration,  // a file or variable that cannot be used; start-up and reload only
  io,                     // the operating system refused a file, a socket, a port; start-up only
  internal,               // ours
};
inline constexpr std::size_t kCodeCount = static_cast<std::size_t>(Code::internal) + 1;

enum class Fault : std::uint8_t { client, upstream, dependency, ours };

// Whether another attempt may help: never, on a new connection to the same endpoint (a pooled one died at reuse; does
// not count as an attempt), or at another endpoint (the same one when there is only one).
enum class Retry : std::uint8_t { never, fresh_connection, elsewhere };

struct Error {
  Code code = Code::internal;
  Fault fault = Fault::ours;
  Retry retry = Retry::never;
  std::string message{};   // one sentence an end user may read: no secret, no address of a model
  std::string detail{};    // for the log only: endpoint, errno, cause
  Duration retry_after{};  // zero: none

  // Fluent additions, for `return make_error(…).because(…)`.
  Error&& because(std::string text) && {
    detail = std::move(text);
    return std::move(*this);
  }
  Error&& retrying(Retry how) && {
    retry = how;
    return std::move(*this);
  }
  Error&& after(Duration pause) && {
    retry_after = pause;
    return std::move(*this);
  }
};

// An error with the fault and the retry rule that its code has by default (error_table.cpp).
[[nodiscard]] Error make_error(Code code, std::string message);

}  // namespace intragate

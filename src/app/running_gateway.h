// Which running gateway a command talks to, and what it is told there. Owner: none. Thread: the main one, blocking.
// Does not: know what is asked (calls.cpp, keys.cpp do).
#pragma once

#include <string>
#include <string_view>

#include "app/admin_client.h"
#include "base/address.h"
#include "base/result.h"
#include "config/config.h"

namespace intragate::app {

// Named by its admin address, or by the configuration it runs with.
struct AdminOptions {
  std::string config_file;  // empty: the .env quick start
  std::string env_file;
  std::string admin;       // address; then no configuration is read
  std::string token_file;  // empty: $INTRAGATE_ADMIN_TOKEN, or else the configuration's admin.token
  // TLS: with a configuration the gateway is known by its own certificate, so that only `certificate` and `key` may be
  // needed. With `admin` any of these asks for TLS.
  std::string certificate;
  std::string key;
  std::string ca;           // empty: the system's
  std::string server_name;  // empty: the address
};

struct RunningGateway {
  SocketAddress address;
  config::Secret token;
  std::shared_ptr<const net::TlsContext> tls;  // null: plain HTTP
};

// Errors: io, invalid_configuration.
[[nodiscard]] Result<RunningGateway> find_gateway(const AdminOptions& options);
// The configuration that was read already; without a token in hand the one of this start, which only the gateway's user
// can read. Errors: io, when none runs (see gateway_runs) or its files cannot be read.
[[nodiscard]] Result<RunningGateway> find_gateway(const AdminOptions& options, const config::Config& config);

// The words of the gateway's own error, or its status.
[[nodiscard]] std::string refusal_in(const AdminAnswer& answer);

// Prints the reason; the exit code 1.
[[nodiscard]] int say_no(const std::string& reason);

}  // namespace intragate::app

// One request to a running gateway's admin address, for the commands that change or show it. Owner: the caller. Thread:
// the main one, blocking, at most ten seconds. Does not: know what is asked.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/result.h"
#include "config/config.h"
#include "net/tls.h"

namespace intragate::app {

struct AdminRequest {
  SocketAddress to;
  std::shared_ptr<const net::TlsContext> tls;  // null: plain HTTP
  config::Secret token;                        // empty: none is sent
  std::string_view method = "GET";
  std::string target;
  std::string body;  // JSON; empty: none
};
struct AdminAnswer {
  int status = 0;
  std::string body;
};
// Errors: io, when nobody answers there, or not in HTTP.
[[nodiscard]] Result<AdminAnswer> ask_admin(const AdminRequest& request);

}  // namespace intragate::app

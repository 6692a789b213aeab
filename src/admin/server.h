// The admin side: /livez, /readyz, /metrics on an address of its own, loopback by default. A plain server for a few
// requests: simple, not fast. Owner: Gateway; runs on one loop. Thread: that loop. Does not: know the data path; what
// it shows is asked through functions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "config/config.h"
#include "net/http_connection.h"
#include "net/list.h"
#include "net/listener.h"

namespace intragate::admin {

// Whether calls can be served at all, and what is not ready, each with a reason for people.
struct Readiness {
  struct Item {
    std::string name;  // "model qwen", "audit"
    std::string reason;
  };
  bool ready = false;
  std::vector<Item> missing;  // also one model of several, while the others serve
};
// {"ready":true,"missing":{"model qwen":"…"}}
[[nodiscard]] std::string readiness_json(const Readiness& readiness);

class Server {
 public:
  struct Views {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<Readiness()> readiness;
  };
  Server(net::Loop& loop, net::Listener listener, config::Secret token, Views views);

  [[nodiscard]] const SocketAddress& address() const { return listener_.address(); }
  // Accepts until `closing` fires.
  [[nodiscard]] net::Task<void> run(net::Cancellation& closing);

 private:
  struct Page {
    int status = 200;
    std::string_view content_type = "application/json";
    std::string body;
  };
  struct Open;
  net::Task<void> serve(net::Socket socket);
  void close_quietest();
  [[nodiscard]] Page page(const net::HttpConnection& connection) const;
  [[nodiscard]] bool permitted(const net::HttpConnection& connection) const;

  net::Loop& loop_;
  net::Listener listener_;
  config::Secret token_;
  Views views_;
  std::vector<net::Header> headers_;
  net::ListHook by_quiet_;
  std::size_t open_ = 0;
};

}  // namespace intragate::admin

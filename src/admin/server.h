// The admin side: /livez, /readyz, /metrics and live calls on an address of its own, loopback by default. A plain
// server for a few requests: simple, not fast. Owner: Gateway; runs on one loop. Thread: that loop. Does not: know the
// data path; what it shows and does is asked through functions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "admin/forecast.h"
#include "admin/keys.h"
#include "audit/record.h"
#include "config/config.h"
#include "llm/live_call.h"
#include "net/http_connection.h"
#include "net/list.h"
#include "net/listener.h"
#include "net/task.h"

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
  using Calls = std::vector<llm::LiveCall>;
  using AskCalls = std::function<net::Task<Result<Calls>>(llm::CallFilter, net::Until)>;
  struct Views {
    std::function<bool(const IpAddress&)> allows;  // whether an address may connect
    std::function<std::string()> metrics;          // Prometheus text
    std::function<Readiness()> readiness;
    AskCalls list_calls;
    std::function<net::Task<Result<KeyAnswer>>(KeyRequest, net::Until)> ask_keys;
    AskCalls cancel_calls;                                                 // answers with those that it ended
    std::function<void(const audit::Event&)> note;                         // what was changed from here, for the record
    std::function<std::optional<Outlook>(const ForecastQuery&)> forecast;  // nothing: no such model
  };
  struct Tokens {
    config::Secret configured;  // empty: none is asked of whoever does not ask about keys
    config::Secret own;         // of this start, for whoever can read the gateway's files
  };
  Server(net::Loop& loop, net::Listener listener, Tokens tokens, Views views);

  [[nodiscard]] const SocketAddress& address() const { return listener_.address(); }
  // The configured token from now on.
  void take_token(config::Secret token) { tokens_.configured = std::move(token); }
  // Accepts until `closing` fires.
  [[nodiscard]] net::Task<void> run(net::Cancellation& closing);

 private:
  struct Page {
    int status = 200;
    std::string_view content_type = "application/json";
    std::string body;
    bool request_broke = false;  // its body did not come whole: nothing else can follow
  };
  struct Open;
  net::Task<void> serve(net::Socket socket, IpAddress peer);
  void close_quietest();
  [[nodiscard]] static Page problem(int status, std::string_view message);
  // What never waits; nothing: a URL about calls or keys.
  [[nodiscard]] std::optional<Page> page(const net::HttpConnection& connection) const;
  [[nodiscard]] Page forecast_page(const net::HttpConnection& connection) const;
  [[nodiscard]] net::Task<Page> calls_page(net::HttpConnection& connection, IpAddress peer) const;
  [[nodiscard]] net::Task<Page> keys_page(net::HttpConnection& connection, IpAddress peer) const;
  [[nodiscard]] bool permitted(const net::HttpConnection& connection) const;
  [[nodiscard]] bool proven(const net::HttpConnection& connection) const;  // by one of the tokens

  net::Loop& loop_;
  net::Listener listener_;
  Tokens tokens_;
  Views views_;
  std::vector<net::Header> headers_;
  net::ListHook by_quiet_;
  std::size_t open_ = 0;
};

}  // namespace intragate::admin

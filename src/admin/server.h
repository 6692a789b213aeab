// The admin side: /livez, /readyz, /metrics and live calls on an address of its own, loopback by default, with TLS
// where it is configured. A plain server for a few requests: simple, not fast. An administrator proves himself by a
// token or by a client certificate; whoever tries wrong ones has to wait, like a client with wrong keys. Owner:
// Gateway; runs on one loop. Thread: that loop. Does not: know the data path; what it shows and does is asked through
// functions.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/browser_guard.h"
#include "admin/forecast.h"
#include "admin/keys.h"
#include "audit/record.h"
#include "auth/wrong_keys.h"
#include "config/config.h"
#include "llm/live_call.h"
#include "net/http_connection.h"
#include "net/list.h"
#include "net/listener.h"
#include "net/task.h"
#include "net/tls.h"

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
  // Who is an administrator. Without token and certificates: everybody who does not ask about keys.
  struct Rules {
    config::Secret token;
    config::Secret own;  // the token of this start, for whoever can read the gateway's files
    std::vector<config::CertificateRule> certificates;
    config::WrongKeys wrong_tokens;
    std::shared_ptr<const net::TlsContext> tls;  // null: plain HTTP
  };
  Server(net::Loop& loop, net::Listener listener, Rules rules, Views views);

  [[nodiscard]] const SocketAddress& address() const { return listener_.address(); }
  // From now on, for connections that are open too.
  void adopt(Rules rules);
  // Accepts until `closing` fires.
  [[nodiscard]] net::Task<void> run(net::Cancellation& closing);

 private:
  struct Page {
    int status = 200;
    std::string_view content_type = "application/json";
    std::string body;
    Duration retry_after{};      // zero: nothing is said
    bool head_only = false;      // HEAD was asked
    bool request_broke = false;  // its body did not come whole: nothing else can follow
  };
  // Who asks, for the record. Owned: the head is gone when the answer is there.
  struct Caller {
    IpAddress address;
    std::string actor;        // "admin": by a token, or where none is asked; else the name of the certificate's rule
    std::string certificate;  // its subject, if one was shown
  };
  struct Open;
  net::Task<void> serve(net::Socket socket, IpAddress peer);
  net::Task<bool> secured(net::HttpConnection& connection, IpAddress peer);
  net::Task<bool> answer(net::HttpConnection& connection, Page shown, bool keep);
  void close_quietest();
  [[nodiscard]] static Page problem(int status, std::string_view message);
  // What never waits; nothing: a URL about calls or keys.
  [[nodiscard]] std::optional<Page> page(const net::HttpConnection& connection, const IpAddress& peer);
  // What a web page's request for something to read is refused for.
  [[nodiscard]] std::optional<Refusal> refuse_reading(const net::HttpConnection& connection) const;
  [[nodiscard]] Page readiness_page(const net::HttpConnection& connection) const;
  [[nodiscard]] Page metrics_page(const net::HttpConnection& connection) const;
  [[nodiscard]] Page forecast_page(const net::HttpConnection& connection) const;
  [[nodiscard]] net::Task<Page> calls_page(net::HttpConnection& connection, Caller caller) const;
  [[nodiscard]] net::Task<Page> keys_page(net::HttpConnection& connection, Caller caller) const;
  [[nodiscard]] bool asks() const { return !rules_.token.empty() || !rules_.certificates.empty(); }
  // By a token, or by a certificate where no token is shown; nothing: not proven.
  [[nodiscard]] std::optional<std::string> administrator(const net::HttpConnection& connection) const;
  [[nodiscard]] Caller caller_of(const net::HttpConnection& connection, const IpAddress& peer) const;
  [[nodiscard]] Page deny(const net::HttpConnection& connection, const IpAddress& peer);
  void note_refusal(const IpAddress& peer, std::string_view certificate, std::string_view shown, Code why);

  net::Loop& loop_;
  net::Listener listener_;
  Rules rules_;
  Views views_;
  auth::WrongKeys wrong_tokens_;
  std::vector<net::Header> headers_;
  net::ListHook by_quiet_;
  std::size_t open_ = 0;
};

}  // namespace intragate::admin

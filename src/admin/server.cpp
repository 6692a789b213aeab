#include "admin/server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "admin/calls.h"
#include "base/error_table.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/random.h"
#include "metrics/registry.h"
#include "net/certificate.h"
#include "net/digest.h"
#include "net/loop.h"

namespace intragate::admin {
namespace {

constexpr std::size_t kMostConnections = 64;
constexpr net::HttpLimits kLimits{.max_head = 16 * 1024,
                                  .max_body = 64 * 1024,
                                  .head = std::chrono::seconds{5},
                                  .body = std::chrono::seconds{5},
                                  .idle = std::chrono::seconds{15},
                                  .write = std::chrono::seconds{10}};

constexpr Duration kCallsPatience = std::chrono::seconds{5};  // until every loop has answered
constexpr std::string_view kCalls = "/calls";
constexpr std::string_view kCancel = "/calls/cancel";
constexpr std::string_view kForecast = "/forecast";

constexpr std::string_view kKeys = "/keys";
constexpr std::string_view kKnown = "Known here: /livez, /readyz, /metrics, /forecast, /calls, /calls/cancel, /keys.";

Provenance provenance_of(const net::HttpConnection& connection) {
  return {.host = net::find_header(connection.headers(), "host"),
          .origin = net::find_header(connection.headers(), "origin"),
          .content_type = net::find_header(connection.headers(), "content-type"),
          .fetch_site = net::find_header(connection.headers(), "sec-fetch-site")};
}

// What follows the `?`.
std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
}

std::string error_json(std::string_view message) {
  std::string body;
  json::Writer{body}.open_object().open_object("error").text("message", message).close_object().close_object();
  return body + "\n";
}

// What was asked to be ended, and how many calls that were.
std::string cancelled_json(const llm::CallFilter& filter, std::int64_t count) {
  std::string detail;
  json::Writer{detail}
      .open_object()
      .text("id", filter.id)
      .text("user", filter.user)
      .text("key", filter.key)
      .number("cancelled", count)
      .close_object();
  return detail;
}

}  // namespace

// One open connection; those that have been quiet for longest stand in front.
struct Server::Open : net::ListHook {
  Open(Server& from, net::Cancellation& its) : server{from}, cancellation{its} {
    ++server.open_;
    stir();
  }
  ~Open() { --server.open_; }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  void stir() { server.by_quiet_.insert_before(*this); }

  bool resting = false;  // between requests
  Server& server;
  net::Cancellation& cancellation;
};

std::string readiness_json(const Readiness& readiness) {
  std::string body;
  json::Writer writer{body};
  writer.open_object().flag("ready", readiness.ready).open_object("missing");
  for (const Readiness::Item& item : readiness.missing) writer.text(item.name, item.reason);
  writer.close_object().close_object();
  return body + "\n";
}

Server::Server(net::Loop& loop, net::Listener listener, Rules rules, Views views)
    : loop_{loop},
      listener_{std::move(listener)},
      rules_{std::move(rules)},
      views_{std::move(views)},
      wrong_tokens_{thread_random().next()} {}

// Certificates that were accepted under other rules are asked for again: what rests is closed, the others serve their
// request and no other.
void Server::adopt(Rules rules) {
  const bool ask_again = rules_.tls != nullptr && rules_.tls->asks_clients() && rules_.tls != rules.tls;
  rules_ = std::move(rules);
  if (!ask_again) return;
  for (net::ListHook* at = by_quiet_.next(); at != &by_quiet_; at = at->next()) {
    auto& open = static_cast<Open&>(*at);
    if (open.resting) open.cancellation.fire(net::CancelReason::shutdown);
  }
}

net::Task<void> Server::run(net::Cancellation& closing) {
  while (!closing.fired()) {
    while (std::optional<net::Listener::Accepted> accepted = listener_.accept()) {
      if (!views_.allows(accepted->peer.ip)) continue;  // closed without a word
      loop_.spawn(serve(std::move(accepted->socket), accepted->peer.ip));
      if (open_ > kMostConnections) close_quietest();
    }
    (void)co_await listener_.wait(loop_, {Deadline{}, &closing});
  }
}

// Whoever only holds connections open must not keep balancers and scrapers out.
void Server::close_quietest() {
  if (!by_quiet_.linked()) return;
  auto& quietest = static_cast<Open&>(*by_quiet_.next());
  quietest.unlink();
  quietest.cancellation.fire(net::CancelReason::shutdown);
}

Server::Page Server::problem(int status, std::string_view message) {
  return {.status = status, .body = error_json(message)};
}

// Whoever shows a token is judged by it alone. The connection may have outlived its certificate.
std::optional<std::string> Server::administrator(const net::HttpConnection& connection) const {
  const std::string_view shown = net::find_header(connection.headers(), "authorization");
  if (!shown.empty()) {
    bool known = false;
    for (const config::Secret* token : {&rules_.token, &rules_.own}) {
      const bool same = net::equal_in_constant_time(shown, "Bearer " + token->reveal());
      known = known || (same && !token->empty());
    }
    return known ? std::optional<std::string>{"admin"} : std::nullopt;
  }
  const net::Certificate* certificate = connection.peer_certificate();
  if (certificate == nullptr || std::chrono::system_clock::now() >= certificate->not_after) return std::nullopt;
  for (const config::CertificateRule& rule : rules_.certificates) {
    if (!auth::fits(rule, *certificate)) continue;
    return !rule.cn.empty() ? rule.cn : !rule.spiffe.empty() ? rule.spiffe : rule.san;
  }
  return std::nullopt;
}

Server::Caller Server::caller_of(const net::HttpConnection& connection, const IpAddress& peer) const {
  const net::Certificate* certificate = connection.peer_certificate();
  return {.address = peer,
          .actor = administrator(connection).value_or("admin"),
          .certificate = certificate == nullptr ? std::string{} : certificate->subject};
}

// On record, but not each time: whoever tries the same again and again must not fill the files.
void Server::note_refusal(const IpAddress& peer, std::string_view certificate, std::string_view shown, Code why) {
  using Verdict = auth::WrongKeys::Verdict;
  const Verdict verdict = wrong_tokens_.note(peer, net::sha256(shown), rules_.wrong_tokens, loop_.now());
  if (verdict == Verdict::known) return;
  views_.note({.name = "admin.refused",
               .actor = "",
               .address = peer,
               .certificate = certificate,
               .outcome = "refused",
               .error = error_row(why).name});
  if (verdict != Verdict::refused) return;
  log::warning("too many wrong admin tokens from an address: it has to wait",
               {{"address", peer.text()}, {"seconds", rules_.wrong_tokens.pause / std::chrono::seconds{1}}});
}

Server::Page Server::deny(const net::HttpConnection& connection, const IpAddress& peer) {
  const std::string_view token = net::find_header(connection.headers(), "authorization");
  const net::Certificate* certificate = connection.peer_certificate();
  const std::string_view subject = certificate == nullptr ? std::string_view{} : certificate->subject;
  if (!token.empty() || !subject.empty()) {
    note_refusal(peer, subject, token.empty() ? subject : token, Code::invalid_key);
  }
  return problem(401, rules_.certificates.empty()
                          ? "The admin token is missing or wrong."
                          : "The admin token is missing or wrong, and no administrator's certificate was shown.");
}

std::optional<Server::Page> Server::page(const net::HttpConnection& connection, const IpAddress& peer) {
  const std::string_view method = connection.head().method;
  const bool reads = method == "GET" || method == "HEAD";
  const std::string_view target = connection.head().target;
  const std::string_view path = target.substr(0, target.find('?'));
  // For balancers and Kubernetes; they know no token and learn nothing else.
  if (reads && path == "/livez") return Page{.body = "{\"live\":true}\n"};
  if (reads && path == "/readyz") return readiness_page(connection);
  const Duration pause = wrong_tokens_.refused(peer, loop_.now());
  if (pause > Duration::zero() && !net::find_header(connection.headers(), "authorization").empty()) {
    Page wait = problem(429, "Too many wrong admin tokens came from your address: wait before you try again.");
    wait.retry_after = pause;
    return wait;
  }
  // Keys are for whoever proves to be an administrator, also where nothing is asked: who is merely on this machine must
  // not make himself one.
  const bool must_prove = asks() || path.starts_with(kKeys);
  if (must_prove && !administrator(connection)) return deny(connection, peer);
  if (path == kCalls || path == kCancel || path.starts_with(kKeys)) return std::nullopt;
  if (!reads) return problem(405, "Only GET is served here.");
  if (path == kForecast) return forecast_page(connection);
  if (path == "/metrics") return metrics_page(connection);
  return problem(404, kKnown);
}

std::optional<Refusal> Server::refuse_reading(const net::HttpConnection& connection) const {
  return refuse_pages(provenance_of(connection), asks() ? Protection::proof : Protection::none, Effect::reads);
}

// Whether there is service is for everybody. Names of models, and what is wrong with them, are not for pages, also
// where a token is asked for: here it is not.
Server::Page Server::readiness_page(const net::HttpConnection& connection) const {
  Readiness readiness = views_.readiness();
  const Protection protection = administrator(connection) ? Protection::proof : Protection::none;
  if (refuse_pages(provenance_of(connection), protection, Effect::reads)) readiness.missing.clear();
  return {.status = readiness.ready ? 200 : 503, .body = readiness_json(readiness)};
}

// It names models, keys and addresses.
Server::Page Server::metrics_page(const net::HttpConnection& connection) const {
  if (const std::optional<Refusal> refused = refuse_reading(connection)) {
    return problem(refused->status, refused->message);
  }
  return {.content_type = metrics::kContentType, .body = views_.metrics()};
}

// It names a key's users and what they have left: no page may read it.
Server::Page Server::forecast_page(const net::HttpConnection& connection) const {
  if (const std::optional<Refusal> refused = refuse_reading(connection)) {
    return problem(refused->status, refused->message);
  }
  Result<ForecastQuery> query = read_forecast_query(query_of(connection.head().target));
  if (!query) return problem(400, query.error().message);
  const std::optional<Outlook> outlook = views_.forecast(*query);
  if (!outlook) return problem(404, "No model has that name or alias.");
  return {.body = outlook_json(*query, *outlook)};
}

// Everything that is needed of the head is looked at before anything waits: headers are scratch memory.
net::Task<Server::Page> Server::calls_page(net::HttpConnection& connection, Caller caller) const {
  const std::string_view target = connection.head().target;
  const std::string_view method = connection.head().method;
  const std::size_t question = std::min(target.find('?'), target.size());
  const bool cancels = target.substr(0, question) == kCancel;
  const Provenance from = provenance_of(connection);
  if (cancels ? method != "POST" : method != "GET" && method != "HEAD") {
    co_return problem(405, cancels ? "Only POST is served here." : "Only GET is served here.");
  }
  const std::optional<Refusal> refused =
      refuse_pages(from, asks() ? Protection::proof : Protection::none, cancels ? Effect::changes : Effect::reads);
  if (refused) co_return problem(refused->status, refused->message);
  Result<llm::CallFilter> filter = read_list_query(query_of(target));
  if (cancels) {
    Result<Unit> came = co_await connection.receive_body();
    if (!came) {
      Page broke = problem(error_row(came.error().code).status, came.error().message);
      broke.request_broke = true;
      co_return broke;
    }
    filter = read_cancel_body(connection.body());
  }
  if (!filter) co_return problem(400, filter.error().message);
  const bool by_id = !filter->id.empty();
  const llm::CallFilter asked = *filter;
  const net::Until until{Deadline::in(loop_.now(), kCallsPatience), &connection.cancellation()};
  net::Task<Result<Calls>> asking = (cancels ? views_.cancel_calls : views_.list_calls)(*std::move(filter), until);
  Result<Calls> calls = co_await asking;
  if (!calls) co_return problem(503, calls.error().message);
  if (!cancels) co_return Page{.body = calls_json(*calls)};
  const auto count = static_cast<std::int64_t>(calls->size());
  log::info("calls cancelled", {{"calls", count}});
  views_.note({.name = "calls.cancel",
               .actor = caller.actor,
               .address = caller.address,
               .certificate = caller.certificate,
               .outcome = count > 0 ? "ok" : "refused",
               .detail = cancelled_json(asked, count)});
  std::string body;
  json::Writer{body}.open_object().number("cancelled", count).close_object();
  co_return Page{.status = by_id && count == 0 ? 404 : 200, .body = body + "\n"};
}

// As careful as calls_page about the head.
net::Task<Server::Page> Server::keys_page(net::HttpConnection& connection, Caller caller) const {
  const std::string_view target = connection.head().target;
  const std::string_view method = connection.head().method;
  const std::optional<KeyRequest::Verb> verb = key_verb_of(target.substr(0, target.find('?')));
  if (!verb) co_return problem(404, kKnown);
  const bool changes = *verb != KeyRequest::Verb::list;
  if (changes ? method != "POST" : method != "GET" && method != "HEAD") {
    co_return problem(405, changes ? "Only POST is served here." : "Only GET is served here.");
  }
  const std::optional<Refusal> refused =
      refuse_pages(provenance_of(connection), Protection::proof, changes ? Effect::changes : Effect::reads);
  if (refused) co_return problem(refused->status, refused->message);
  Result<KeyRequest> request = read_key_query(query_of(target));
  if (changes) {
    Result<Unit> came = co_await connection.receive_body();
    if (!came) {
      Page broke = problem(error_row(came.error().code).status, came.error().message);
      broke.request_broke = true;
      co_return broke;
    }
    request = read_key_body(*verb, connection.body(), std::chrono::system_clock::now());
  }
  if (!request) co_return problem(400, request.error().message);
  std::string named;
  json::Writer{named}.open_object().text("name", request->name).close_object();
  const net::Until until{Deadline::in(loop_.now(), kCallsPatience), &connection.cancellation()};
  net::Task<Result<KeyAnswer>> asking = views_.ask_keys(*std::move(request), until);
  Result<KeyAnswer> answer = co_await asking;
  if (!answer) co_return problem(503, answer.error().message);
  const std::string event = "keys." + std::string{verb_name(*verb)};
  if (changes) {
    views_.note({.name = event,
                 .actor = caller.actor,
                 .address = caller.address,
                 .certificate = caller.certificate,
                 .outcome = answer->ok() ? "ok" : "refused",
                 .detail = answer->detail.empty() ? named : answer->detail});
  }
  co_return Page{.status = answer->status, .body = std::move(answer->body)};
}

net::Task<bool> Server::secured(net::HttpConnection& connection, IpAddress peer) {
  if (rules_.tls == nullptr) co_return true;
  Result<Unit> done = co_await connection.receive_tls(rules_.tls);
  if (done) co_return true;
  if (done.error().code == Code::client_gone) co_return false;
  log::info("TLS handshake failed", {{"address", peer.text()}, {"listener", "admin"}, {"reason", done.error().detail}});
  note_refusal(peer, {}, done.error().detail, done.error().code);
  // What was said last, an alert most likely, shall be read.
  co_await connection.finish();
  co_return false;
}

// Whether another request can follow.
net::Task<bool> Server::answer(net::HttpConnection& connection, Page shown, bool keep) {
  if (keep) {
    Result<Unit> body = co_await connection.receive_body();
    keep = static_cast<bool>(body);
  }
  // Certificates that were accepted under other rules are asked for again.
  keep = keep && connection.tls() == rules_.tls.get();
  std::string head = "HTTP/1.1 " + std::to_string(shown.status) +
                     " Status\r\ncontent-type: " + std::string{shown.content_type} +
                     "\r\ncache-control: no-store\r\ncontent-length: " + std::to_string(shown.body.size()) + "\r\n";
  if (shown.retry_after > Duration::zero()) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(shown.retry_after).count();
    head += "retry-after: " + std::to_string(seconds) + "\r\n";
  }
  head += keep ? "\r\n" : "connection: close\r\n\r\n";
  const std::array<std::string_view, 2> pieces{head,
                                               shown.head_only ? std::string_view{} : std::string_view{shown.body}};
  std::size_t sent = connection.write_now(pieces);
  const net::WriteEnd end = co_await connection.write_rest(pieces, sent);
  connection.release_request();
  co_return end == net::WriteEnd::done&& keep;
}

net::Task<void> Server::serve(net::Socket socket, IpAddress peer) {
  net::HttpConnection connection{loop_, std::move(socket), kLimits, headers_};
  Open open{*this, connection.cancellation()};
  const bool ready = co_await secured(connection, peer);
  if (!ready) co_return;
  for (;;) {
    open.resting = true;
    Result<net::HttpConnection::Arrival> arrival = co_await connection.receive_head();
    open.resting = false;
    if (open.cancellation.fired()) co_return;
    open.stir();
    if (arrival && *arrival == net::HttpConnection::Arrival::none) break;
    std::optional<Page> shown = arrival ? page(connection, peer) : problem(400, arrival.error().message);
    if (!shown) {
      const bool keys = connection.head().target.starts_with(kKeys);
      Caller caller = caller_of(connection, peer);
      net::Task<Page> asking =
          keys ? keys_page(connection, std::move(caller)) : calls_page(connection, std::move(caller));
      shown = co_await asking;
    }
    shown->head_only = arrival && connection.head().method == "HEAD";
    const bool keep = arrival && connection.head().keep_alive && !shown->request_broke;
    const bool kept = co_await answer(connection, *std::move(shown), keep);
    if (open.cancellation.fired()) co_return;
    open.stir();
    if (!kept) break;
  }
  if (!connection.failed()) co_await connection.finish();
}

}  // namespace intragate::admin

#include "pipeline/receive.h"

#include <array>
#include <exception>
#include <span>
#include <string_view>

#include "auth/client_address.h"
#include "base/id.h"
#include "base/log.h"
#include "pipeline/answer_error.h"
#include "pipeline/exchange.h"
#include "pipeline/settle.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {

// Counts a connection in and out, and lets shutdown and administrators find it.
class OpenConnection {
 public:
  OpenConnection(Worker& worker, Door& door, const SocketAddress& peer, net::Cancellation& cancellation)
      : worker_{worker}, door_{door} {
    entry_.cancellation = &cancellation;
    entry_.door = &door;
    entry_.peer = peer;
    worker_.resting_.insert_before(entry_);
    ++worker_.open_;
    worker_.metrics().gauge(metrics::Metric::open_connections, {door_.name}).add(1);
  }
  ~OpenConnection() {
    --worker_.open_;
    worker_.metrics().gauge(metrics::Metric::open_connections, {door_.name}).add(-1);
    door_.open->fetch_sub(1, std::memory_order_relaxed);
  }
  OpenConnection(const OpenConnection&) = delete;
  OpenConnection& operator=(const OpenConnection&) = delete;
  [[nodiscard]] Door& door() { return door_; }
  void show(Exchange& x) {
    entry_.exchange = &x;
    worker_.busy_.insert_before(entry_);
  }
  void rest() {
    entry_.exchange = nullptr;
    worker_.resting_.insert_before(entry_);
  }

 private:
  Worker& worker_;
  Door& door_;
  ClientEntry entry_;
};

namespace {

// Shows an exchange to shutdown and administrators as long as it lives.
class InSight {
 public:
  InSight(OpenConnection& open, Exchange& x) : open_{open} { open_.show(x); }
  ~InSight() { open_.rest(); }
  InSight(const InSight&) = delete;
  InSight& operator=(const InSight&) = delete;

 private:
  OpenConnection& open_;
};

constexpr int kInARow = 8;  // pipelined requests before other connections get their turn

// The values of X-Forwarded-For, in their order. Of more lines than any chain of proxies writes the last ones, which
// are the nearest proxies'.
class ForwardedLines {
 public:
  void add(std::string_view line) {
    if (size_ == lines_.size()) std::move(lines_.begin() + 1, lines_.end(), lines_.begin());
    if (size_ < lines_.size()) ++size_;
    lines_[size_ - 1] = line;
  }
  [[nodiscard]] std::span<const std::string_view> lines() const { return {lines_.data(), size_}; }

 private:
  std::array<std::string_view, 16> lines_;
  std::size_t size_ = 0;
};

void take_route(Exchange& x, const net::RequestHead& head) {
  x.target = find_route(x.worker.routes(), head.target);
  x.head_method = head.method == "HEAD";
  x.http_1_0 = head.minor_version == 0;
  if (x.target.route == nullptr) return;
  x.front = dialect::front_of(x.target.route->api);
  const bool get = head.method == "GET" || x.head_method;
  x.method_matches = x.target.route->method == Method::get ? get : head.method == "POST";
}

// Takes what is needed of the head before anything waits: the headers are scratch memory of the loop.
void take_head(Exchange& x, const SocketAddress& peer, const Door& door) {
  const net::RequestHead& head = x.connection.head();
  x.head.target = head.target;
  ForwardedLines forwarded;
  std::string_view id;
  for (const net::Header& header : x.connection.headers()) {
    using net::equals_ignoring_case;
    switch (header.name.size()) {
      case 6:
        if (equals_ignoring_case(header.name, "accept")) x.head.accept = header.value;
        if (equals_ignoring_case(header.name, "origin")) x.of_page = true;
        break;
      case 9:
        if (equals_ignoring_case(header.name, "x-api-key")) x.head.api_key = header.value;
        break;
      case 10:
        if (equals_ignoring_case(header.name, "tracestate")) x.head.tracestate = header.value;
        break;
      case 11:
        if (equals_ignoring_case(header.name, "traceparent")) x.head.traceparent = header.value;
        break;
      case 12:
        if (equals_ignoring_case(header.name, "content-type")) x.head.content_type = header.value;
        if (equals_ignoring_case(header.name, "x-request-id")) id = header.value;
        if (equals_ignoring_case(header.name, "x-session-id")) x.head.session = header.value;
        break;
      case 13:
        if (equals_ignoring_case(header.name, "authorization")) x.head.authorization = header.value;
        break;
      case 14:
        if (equals_ignoring_case(header.name, "sec-fetch-site") && header.value != "none") x.of_page = true;
        break;
      case 15:
        if (equals_ignoring_case(header.name, "x-forwarded-for")) forwarded.add(header.value);
        break;
      default: break;
    }
  }
  x.request_id = acceptable_request_id(id) ? std::string{id} : std::string{new_request_id().view()};
  x.address = auth::client_address(peer.ip, forwarded.lines(), door.rules.trusted_proxies);
  x.many_behind_address = door.rules.trusted_proxies.contains(x.address);
  take_route(x, head);
}

// OPTIONS needs no key: browsers and scanners ask what a URL can do. No CORS: a gateway for servers says nothing of
// origins.
net::Task<void> answer_options(Exchange& x) {
  const bool get = x.target.route != nullptr && x.target.route->method == Method::get;
  const std::string_view allow = get ? "Allow: GET, HEAD, OPTIONS\r\n" : "Allow: POST, OPTIONS\r\n";
  (void)co_await x.reply.send_whole(x, {.status = 204, .content_type = {}, .extra = allow}, {});
  settle(x);
}

Error stranger() {
  return make_error(Code::address_not_allowed, "This gateway does not serve your address.");
}

net::Task<void> refuse(Exchange& x) {
  co_await answer_error(x);
  settle(x);
}

// What has to be done with what was received: the journey, or something shorter.
net::Task<void> way_of(Exchange& x, const SocketAddress& peer, const Door& door, const Error* wrong) {
  if (wrong != nullptr) {  // garbage too is an exchange that settle sees
    x.request_id = new_request_id().view();
    x.address = peer.ip;
    x.error = std::make_unique<Error>(*wrong);
    return refuse(x);
  }
  take_head(x, peer, door);
  if (x.address != peer.ip && !door.rules.allow.contains(x.address)) {
    x.error = std::make_unique<Error>(stranger());
    return refuse(x);
  }
  const bool known = x.target.route != nullptr || x.head.target == "*";
  if (known && x.connection.head().method == "OPTIONS") return answer_options(x);
  return x.worker.journey().run(x);
}

// One request and its answer, or what is `wrong` with it (null: nothing; outlives this). Returns whether the connection
// can serve another one. The frame dies between requests, so that a resting connection holds none of this.
net::Task<bool> one_exchange(Worker& worker, net::HttpConnection& connection, SocketAddress peer, OpenConnection& open,
                             const Error* wrong) {
  Exchange x{worker, connection};
  const InSight in_sight{open, x};
  net::Task<void> way = way_of(x, peer, open.door(), wrong);
  co_await way;
  connection.ignore_hangup();
  const bool keep = x.reply.reusable() && connection.request_complete() && !worker.draining();
  connection.release_request();
  // An answer that broke off must not look whole. Where the framing shows that, the connection ends in good order, so
  // that what was said last arrives; where only the connection's end is the end of the body, it must break.
  if (x.reply.head_sent() && !x.reply.ended() && x.reply.ends_by_close()) connection.abort();
  co_return keep;
}

// The handshake. Whoever does not get through it is in the records, as a connection that was not let in.
net::Task<bool> secured_by(Worker& worker, net::HttpConnection& connection, SocketAddress peer, OpenConnection& open) {
  Door& door = open.door();
  Result<Unit> secured = co_await connection.receive_tls(door.tls);
  const bool gone = !secured && secured.error().code == Code::client_gone;
  const std::string_view result = !secured ? "failed" : connection.resumed() ? "resumed" : "full";
  if (!gone) worker.metrics().counter(metrics::Metric::tls_handshakes, {door.name, result}).add();
  if (secured) co_return true;
  if (gone) co_return false;
  log::info("TLS handshake failed",
            {{"address", peer.ip.text()}, {"listener", door.name}, {"reason", secured.error().detail}});
  worker.refuse(peer, door, secured.error().code);
  // What was said last, an alert most likely, shall be read.
  co_await connection.finish();
  co_return false;
}

// What comes before the first request of some connections: a proxy's word for whom it speaks, and the handshake. False:
// there will be none.
net::Task<bool> opened(Worker& worker, net::HttpConnection& connection, SocketAddress& peer, OpenConnection& open) {
  const Door& door = open.door();
  if (door.rules.trusted_proxies.contains(peer.ip)) {
    Result<std::optional<SocketAddress>> named = co_await connection.receive_proxy_header();
    if (!named) {
      if (named.error().code == Code::client_gone) co_return false;
      (void)co_await one_exchange(worker, connection, peer, open, &named.error());
      co_return false;
    }
    if (*named) peer = **named;
    if (!door.rules.allow.contains(peer.ip)) {
      const Error wrong = stranger();
      (void)co_await one_exchange(worker, connection, peer, open, &wrong);
      co_return false;
    }
  }
  if (door.tls == nullptr) co_return true;
  const bool secured = co_await secured_by(worker, connection, peer, open);
  co_return secured;
}

// Its frame is there as long as the connection: what is needed but once has a frame of its own.
net::Task<void> exchanges(Worker& worker, net::HttpConnection& connection, SocketAddress peer, OpenConnection& open) {
  const Door& door = open.door();
  if (door.tls != nullptr || door.rules.trusted_proxies.contains(peer.ip)) {
    const bool well = co_await opened(worker, connection, peer, open);
    if (!well) co_return;
  }
  for (int in_a_row = 0;;) {
    if (!connection.more_is_here()) {
      in_a_row = 0;
    } else if (++in_a_row >= kInARow) {
      in_a_row = 0;
      co_await net::Yield{worker.loop()};
    }
    Result<net::HttpConnection::Arrival> arrival = co_await connection.receive_head();
    if (arrival && *arrival == net::HttpConnection::Arrival::none) co_return;
    const Error* const wrong = arrival ? nullptr : &arrival.error();
    const bool keep = co_await one_exchange(worker, connection, peer, open, wrong);
    // Certificates that were accepted under other rules are asked for again.
    const bool outdated = connection.tls() != door.tls.get();
    if (!keep || outdated) break;
  }
  if (!connection.failed()) co_await connection.finish();
}

}  // namespace

net::Task<void> serve_connection(Worker& worker, net::Socket socket, SocketAddress peer, Door& door) {
  net::HttpConnection connection{worker.loop(), std::move(socket), limits_of(door.rules), worker.headers()};
  OpenConnection open{worker, door, peer, connection.cancellation()};
  try {
    co_await exchanges(worker, connection, peer, open);
  } catch (const std::exception& stray) {
    log::error("connection failed within the gateway", {{"reason", stray.what()}});
  }
}

}  // namespace intragate::pipeline

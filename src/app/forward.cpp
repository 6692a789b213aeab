#include "app/forward.h"

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "config/endpoint_url.h"
#include "config/references.h"
#include "config/tls_rules.h"
#include "net/buffer.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/resolver.h"

namespace intragate::app {
namespace {

constexpr std::size_t kLargestPem = std::size_t{1} << 20;
constexpr Duration kConnect = std::chrono::seconds{10};
constexpr Duration kSilence = std::chrono::hours{1};  // longer than any answer may take, or a kept connection rests
constexpr Duration kRest = std::chrono::seconds{5};   // for the client, once the gateway has said its last

constexpr std::string_view kUnreachable =
    "HTTP/1.1 502 Bad Gateway\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 141\r\n\r\n"
    R"({"error":{"message":"The gateway cannot be reached from here: see the forwarder's log.",)"
    R"("type":"server_error","param":null,"code":"forward"}})";

// Where to, and how TLS is spoken there. Files that change are read anew for the next connection.
class Target {
 public:
  static Result<std::shared_ptr<Target>> open(const ForwardOptions& options) {
    Result<config::Endpoint> parsed = config::parse_endpoint_url(options.to);
    if (!parsed) return std::move(parsed).error();
    if (!parsed->tls) return make_error(Code::invalid_configuration, "--to must begin with https://");
    auto target = std::make_shared<Target>();
    target->options_ = options;
    target->endpoint_ = *std::move(parsed);
    Result<Unit> read = target->read();
    if (!read) return std::move(read).error();
    return target;
  }
  [[nodiscard]] const config::Endpoint& endpoint() const { return endpoint_; }
  const std::shared_ptr<const net::TlsContext>& tls() {
    if (times() == read_at_) return tls_;
    const Result<Unit> fresh = read();
    if (!fresh) log::error("certificate files refused, the old ones stay", {{"reason", fresh.error().message}});
    return tls_;
  }

 private:
  using Times = std::array<std::filesystem::file_time_type, 3>;
  static std::filesystem::file_time_type time_of(const std::string& path) {
    std::error_code missing;
    return path.empty() ? std::filesystem::file_time_type{} : std::filesystem::last_write_time(path, missing);
  }
  [[nodiscard]] Times times() const {
    return {time_of(options_.certificate), time_of(options_.key), time_of(options_.ca)};
  }
  static Result<std::string> content_of(const std::string& path) {
    if (path.empty()) return std::string{};
    return config::read_file(path, kLargestPem);
  }
  Result<Unit> read() {
    read_at_ = times();
    Result<std::string> certificate = content_of(options_.certificate);
    if (!certificate) return std::move(certificate).error();
    Result<std::string> key = content_of(options_.key);
    if (!key) return std::move(key).error();
    Result<std::string> ca = content_of(options_.ca);
    if (!ca) return std::move(ca).error();
    endpoint_.tls = config::EndpointTls{.ca = *std::move(ca),
                                        .certificate = *std::move(certificate),
                                        .key = config::Secret{*std::move(key)},
                                        .server_name = options_.server_name,
                                        .pins = {},
                                        .expires = {}};
    Result<std::shared_ptr<const net::TlsContext>> context = net::TlsContext::client(config::rules_of(endpoint_));
    if (!context) return std::move(context).error();
    tls_ = *std::move(context);
    return Unit{};
  }

  ForwardOptions options_;
  config::Endpoint endpoint_;
  std::shared_ptr<const net::TlsContext> tls_;
  Times read_at_{};
};

net::Task<Result<net::Socket>> reach(net::Loop& loop, std::shared_ptr<Target> target, net::Until until) {
  Result<std::vector<IpAddress>> addresses = co_await loop.resolver().resolve(target->endpoint().host, until);
  if (!addresses) co_return std::move(addresses).error();
  Error last = make_error(Code::upstream_unreachable, {});
  for (const IpAddress& address : *addresses) {
    Result<net::Socket> socket = co_await net::connect(loop, {address, target->endpoint().port}, until);
    if (!socket) {
      last = std::move(socket).error();
      continue;
    }
    Result<Unit> secured = co_await net::secure(loop, *socket, target->tls(), std::string{}, until);
    if (!secured) co_return std::move(secured).error();
    co_return std::move(*socket);
  }
  co_return last;
}

// One direction: what was read and not yet written. Its end is passed on like its bytes, and the other direction lives
// on: who has asked all it will may still wait for the answer.
class Way {
 public:
  Way(net::Socket& from, net::Socket& to) : from_{from}, to_{to} {}
  [[nodiscard]] bool reads() const { return begin_ == end_ && !over_; }
  [[nodiscard]] bool writes() const { return begin_ != end_; }
  [[nodiscard]] bool over() const { return ended_; }
  // Moves what can be moved now. False: the connection is of no more use.
  bool move(bool& moved) {
    if (reads() && from_.may_read()) {
      const net::Socket::Moved got = from_.read(bytes_);
      begin_ = 0;
      end_ = got.bytes;
      broken_ = got.io == net::Socket::Io::failed;
      over_ = broken_ || got.io == net::Socket::Io::closed;
      moved = moved || got.bytes > 0;
    }
    if (writes()) {
      const std::array<std::string_view, 1> rest{std::string_view{bytes_.data() + begin_, end_ - begin_}};
      const net::Socket::Moved put = to_.write(rest);
      if (put.io == net::Socket::Io::failed) return false;
      begin_ += put.bytes;
      moved = moved || put.bytes > 0;
    }
    if (over_ && !writes() && !ended_) {
      to_.shutdown_write();
      ended_ = true;
    }
    return !broken_ || writes();
  }

 private:
  net::Socket& from_;
  net::Socket& to_;
  std::array<char, net::Buffer::kBlock> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool over_ = false;    // nothing more comes
  bool broken_ = false;  // because nobody is there any more
  bool ended_ = false;   // and all of it, the end too, has been passed on
};

net::Interest interest(const Way& reading, const Way& writing) {
  return static_cast<net::Interest>((reading.reads() ? 1U : 0U) | (writing.writes() ? 2U : 0U));
}

net::Task<void> carry(net::Loop& loop, net::Socket client, std::shared_ptr<Target> target) {
  Result<net::Socket> gateway = co_await reach(loop, std::move(target), {Deadline::in(loop.now(), kConnect), nullptr});
  if (!gateway) {
    log::warning("the gateway cannot be reached", {{"reason", gateway.error().detail}});
    client.write_plainly(kUnreachable);
    co_return;
  }
  const auto up = std::make_unique<Way>(client, *gateway);
  const auto down = std::make_unique<Way>(*gateway, client);
  Deadline last;  // of a client that has its answer
  for (;;) {
    bool moved = false;
    const bool answered = down->over();
    if (!up->move(moved) || !down->move(moved)) co_return;
    if (up->over() && down->over()) co_return;
    if (down->over() && !answered) last = Deadline::in(loop.now(), kRest);
    if (moved) {
      co_await net::Yield{loop};
      continue;
    }
    const net::Until until{down->over() ? last : Deadline::in(loop.now(), kSilence), nullptr};
    const net::Wake wake = co_await client.wait(loop, interest(*up, *down), *gateway, interest(*down, *up), until);
    if (wake != net::Wake::ready) co_return;
  }
}

net::Task<void> take(net::Loop& loop, net::Listener& listener, std::shared_ptr<Target> target) {
  for (;;) {
    while (std::optional<net::Listener::Accepted> accepted = listener.accept()) {
      loop.spawn(carry(loop, std::move(accepted->socket), target));
    }
    if (listener.starved()) {
      (void)co_await net::Pause{loop, {Deadline::in(loop.now(), std::chrono::milliseconds{100}), nullptr}};
    } else {
      (void)co_await listener.wait(loop, {});
    }
  }
}

int cannot_start(const std::string& reason) {
  std::fprintf(stderr, "intragate: %s\n", reason.c_str());
  return 1;
}

}  // namespace

int forward(const ForwardOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  const Result<SocketAddress> address = SocketAddress::parse(options.listen);
  if (!address) return cannot_start("--listen: " + address.error().message);
  if (!address->ip.is_loopback()) return cannot_start("--listen: the plain side must be a loopback address");
  Result<std::shared_ptr<Target>> target = Target::open(options);
  if (!target) return cannot_start(target.error().message);
  net::Loop loop{0};
  Result<net::Listener> listener = net::Listener::open(*address, net::Listener::Sharing::first);
  if (!listener) return cannot_start(listener.error().message);
  std::printf("listening on %s\n", listener->address().text().c_str());
  std::fflush(stdout);
  loop.spawn(take(loop, *listener, *target));
  loop.run();
  loop.end_tasks();
  return 0;
}

}  // namespace intragate::app

#include "check/handshake.h"

#include <utility>

#include "net/loop.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "net/tls_stream.h"

namespace intragate::check {
namespace {

constexpr Duration kPatience = std::chrono::seconds{10};  // Dify's, for a connection

}  // namespace

net::Task<Handshake> handshake(net::Loop& loop, std::shared_ptr<upstream::Endpoint> endpoint, AddressList egress) {
  Handshake seen;
  const config::Endpoint& to = endpoint->configured();
  const net::Until until{Deadline::in(loop.fresh_now(), kPatience), nullptr};
  Result<std::vector<IpAddress>> found = co_await loop.resolver().resolve(to.host, until);
  if (!found) co_return seen;
  net::Socket socket;
  for (const IpAddress& ip : *found) {
    const SocketAddress address{ip, to.port};
    if (socket.open() || !egress.contains(ip)) continue;
    Result<net::Socket> made = co_await net::connect(loop, address, until);
    if (made) socket = *std::move(made);
  }
  seen.connected = socket.open();
  if (!seen.connected) co_return seen;
  if (endpoint->tls() == nullptr) {
    seen.failure = "the certificates given cannot be used";
    co_return seen;
  }
  Result<Unit> secured = co_await net::secure(loop, socket, endpoint->tls(), std::string{}, until);
  if (secured) {
    seen.version = socket.tls()->version();
  } else {
    seen.failure = secured.error().detail.empty() ? "no end within ten seconds" : secured.error().detail;
  }
  co_return seen;
}

}  // namespace intragate::check

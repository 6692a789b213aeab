#include "net/listener.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "net/sockaddr.h"

namespace intragate::net {
namespace {

Error cannot_listen(const SocketAddress& address, int number) {
  std::string reason = std::generic_category().message(number);
  if (number == EADDRINUSE) reason += "; another program has this port: stop it or choose another address";
  if (number == EACCES) reason += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  if (number == EADDRNOTAVAIL) reason += "; this machine does not have that address";
  return make_error(Code::io, "cannot listen on " + address.text() + ": " + reason);
}

// What the kernel may hold of an answer that cannot be sent because its client does not read: without a limit it takes
// megabytes, and the model would be read long after the client has stopped.
constexpr int kUnsent = 16 * 1024;

void set(int fd, int level, int option, int value = 1) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

int system_backlog_limit() {
  std::ifstream file{"/proc/sys/net/core/somaxconn"};
  int limit = 0;
  return file >> limit ? limit : kBacklog;
}

Result<Listener> Listener::open(SocketAddress address, Sharing sharing) {
  const Sockaddr at{address};
  if (sharing == Sharing::first && address.port != 0) {
    const int probe = ::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return cannot_listen(address, errno);
    const Socket closer{probe};
    set(probe, SOL_SOCKET, SO_REUSEADDR);
    if (at.family() == AF_INET6) set(probe, IPPROTO_IPV6, IPV6_V6ONLY);
    if (::bind(probe, at.data(), at.size()) != 0) return cannot_listen(address, errno);
    // Two sockets with SO_REUSEADDR may both bind; only one may listen.
    if (::listen(probe, 1) != 0) return cannot_listen(address, errno);
  }
  const int fd = ::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return cannot_listen(address, errno);
  Socket socket{fd};
  set(fd, SOL_SOCKET, SO_REUSEADDR);
  set(fd, SOL_SOCKET, SO_REUSEPORT);
  set(fd, IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit these two
  set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsent);
  if (at.family() == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (::bind(fd, at.data(), at.size()) != 0 || ::listen(fd, kBacklog) != 0) return cannot_listen(address, errno);
  Sockaddr bound;
  ::getsockname(fd, bound.data(), bound.size_out());
  return Listener{std::move(socket), fd, bound.address()};
}

std::optional<Listener::Accepted> Listener::accept() {
  for (;;) {
    Sockaddr peer;
    const int fd = ::accept4(fd_, peer.data(), peer.size_out(), SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) return Accepted{Socket{fd}, peer.address()};
    if (errno == EINTR || errno == ECONNABORTED) continue;
    starved_ = errno != EAGAIN;
    socket_.drained();
    return std::nullopt;
  }
}

}  // namespace intragate::net

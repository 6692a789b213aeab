#include "net/datagram_socket.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "net/sockaddr.h"

namespace intragate::net {

Result<DatagramSocket> DatagramSocket::open(const SocketAddress& to) {
  const Sockaddr address{to};
  DatagramSocket socket{::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (socket.fd_ < 0 || ::connect(socket.fd_, address.data(), address.size()) != 0) {
    return make_error(Code::upstream_unreachable, {}).because(std::generic_category().message(errno));
  }
  return socket;
}

DatagramSocket::~DatagramSocket() {
  if (fd_ >= 0) ::close(fd_);
}

DatagramSocket::Sent DatagramSocket::send(std::string_view message) {
  ssize_t n = 0;
  do {
    n = ::send(fd_, message.data(), message.size(), MSG_NOSIGNAL);
  } while (n < 0 && errno == EINTR);
  if (n >= 0) return Sent::done;
  if (errno == EMSGSIZE) return Sent::too_long;
  return errno == EAGAIN || errno == ENOBUFS ? Sent::blocked : Sent::refused;
}

bool DatagramSocket::take_refusal() {
  int failure = 0;
  socklen_t size = sizeof failure;
  return ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size) == 0 && failure != 0;
}

}  // namespace intragate::net

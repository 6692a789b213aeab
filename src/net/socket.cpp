#include "net/socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "net/loop.h"
#include "net/sockaddr.h"
#include "net/tls_stream.h"

namespace intragate::net {
namespace {

constexpr std::size_t kPieces = 16;
constexpr std::size_t kSmall = 4096;

std::string system_text(int number) {
  return std::generic_category().message(number);
}

// The gateway's own want of descriptors, memory or ports says nothing about whoever was to be reached.
bool is_ours(int number) {
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM || number == EADDRNOTAVAIL;
}

Error connect_error(int number) {
  if (is_ours(number)) {
    return make_error(Code::overloaded, "The gateway cannot open another connection at the moment; please try again.")
        .because(system_text(number))
        .retrying(Retry::elsewhere);
  }
  return make_error(Code::upstream_unreachable, {}).because(system_text(number));
}

}  // namespace

Socket::Socket(int fd) : state_{std::make_unique<State>()} {
  state_->descriptor.fd = fd;
}

Socket::State::State() = default;

Socket::State::~State() {
  tls.reset();  // says goodbye
  ::close(descriptor.fd);
}

Socket::Moved Socket::read(std::span<char> space) {
  if (state_->tls != nullptr) [[unlikely]]
    return state_->tls->read(space);
  Descriptor& d = state_->descriptor;
  for (;;) {
    const ssize_t n = ::recv(d.fd, space.data(), space.size(), 0);
    if (n > 0) {
      const auto bytes = static_cast<std::size_t>(n);
      // A short read emptied the socket; edge-triggered epoll will tell of more. After a hang-up nothing more is told.
      if (bytes < space.size() && d.registered && !d.hung_up) d.can_read = false;
      return {Io::done, bytes};
    }
    if (n == 0) return {Io::closed};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {Io::failed};
    d.can_read = false;
    return {Io::blocked};
  }
}

Socket::Moved Socket::write(std::span<const std::string_view> pieces) {
  if (state_->tls != nullptr) [[unlikely]]
    return state_->tls->write(pieces.first(std::min(pieces.size(), kPieces)));
  std::size_t total = 0;
  for (const std::string_view piece : pieces.first(std::min(pieces.size(), kPieces))) total += piece.size();
  if (total <= kSmall) {
    // Copying a few kilobytes costs less than having the kernel fetch a list of pieces.
    std::array<char, kSmall> bytes;
    std::size_t size = 0;
    for (const std::string_view piece : pieces.first(std::min(pieces.size(), kPieces))) {
      if (!piece.empty()) std::memcpy(bytes.data() + size, piece.data(), piece.size());
      size += piece.size();
    }
    return sent(total, [&] { return ::send(state_->descriptor.fd, bytes.data(), size, MSG_NOSIGNAL); });
  }
  std::array<iovec, kPieces> vectors;
  std::size_t count = 0;
  for (const std::string_view piece : pieces.first(std::min(pieces.size(), kPieces))) {
    if (!piece.empty()) vectors[count++] = {const_cast<char*>(piece.data()), piece.size()};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  return sent(total, [&] { return ::sendmsg(state_->descriptor.fd, &message, MSG_NOSIGNAL); });
}

template <class Send>
Socket::Moved Socket::sent(std::size_t total, Send send) {
  for (;;) {
    const ssize_t n = send();
    if (n >= 0) {
      const auto bytes = static_cast<std::size_t>(n);
      if (bytes < total) state_->descriptor.can_write = false;
      return {Io::done, bytes};
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return {Io::failed};
    state_->descriptor.can_write = false;
    return {Io::blocked};
  }
}

void Socket::on_hangup(Loop& loop, Cancellation* cancellation) {
  Descriptor& d = state_->descriptor;
  d.on_hangup = cancellation;
  if (cancellation == nullptr) return;
  if (!d.registered) loop.reactor().add(d);
  if (d.hung_up) cancellation->fire(CancelReason::client_gone);
}

bool Socket::stale() {
  if (hung_up()) return true;
  if (!may_read() && state_->descriptor.registered) return false;
  if (state_->tls != nullptr) return state_->tls->speaks();
  char byte = 0;
  const ssize_t n = ::recv(state_->descriptor.fd, &byte, 1, MSG_PEEK);
  if (n < 0 && errno == EAGAIN) {
    state_->descriptor.can_read = false;
    return false;
  }
  return true;
}

void Socket::write_plainly(std::string_view bytes) {
  (void)::send(state_->descriptor.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

std::size_t Socket::unacknowledged() const {
  int bytes = 0;
  const bool known = ::ioctl(state_->descriptor.fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
  return known ? static_cast<std::size_t>(bytes) : 0;
}

void Socket::begin_tls(std::shared_ptr<const TlsContext> context, std::string early) {
  state_->tls = std::make_unique<TlsStream>(std::move(context), state_->descriptor, std::move(early));
}

void Socket::shutdown_write() {
  if (state_->tls != nullptr) state_->tls->say_goodbye();
  ::shutdown(state_->descriptor.fd, SHUT_WR);
}

void Socket::reset_on_close() {
  if (state_->tls != nullptr) state_->tls->forget_goodbye();
  const linger hard{1, 0};
  ::setsockopt(state_->descriptor.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

Task<Result<Socket>> connect(Loop& loop, SocketAddress address, Until until) {
  const Sockaddr to{address};
  const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return connect_error(errno);
  Socket socket{fd};
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, to.data(), to.size()) == 0) co_return socket;
  if (errno != EINPROGRESS) co_return connect_error(errno);

  Readiness connected = socket.wait(loop, Interest::write, until);
  // A socket that is still connecting is not writable, whatever the descriptor says of itself.
  connected.forget_write();
  const Wake wake = co_await connected;
  if (wake == Wake::cancelled) co_return make_error(Code::client_gone, {});
  if (wake == Wake::deadline) co_return make_error(Code::upstream_timeout, {}).because("connect timed out");
  int failure = 0;
  socklen_t size = sizeof failure;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure != 0) co_return connect_error(failure);
  co_return socket;
}

namespace {

constexpr std::string_view kSpeakTls =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 134\r\n\r\n"
    R"({"error":{"message":"This port speaks TLS: use https:// in the URL.",)"
    R"("type":"invalid_request_error","param":null,"code":"https_only"}})";

}  // namespace

Task<Result<Unit>> secure(Loop& loop, Socket& socket, std::shared_ptr<const TlsContext> context, std::string early,
                          Until until) {
  const bool serving = context->serves();
  socket.begin_tls(std::move(context), std::move(early));
  TlsStream& tls = *socket.tls();
  for (;;) {
    const TlsStream::Step step = tls.handshake();
    if (step == TlsStream::Step::done) co_return Unit{};
    if (step == TlsStream::Step::closed || step == TlsStream::Step::failed) {
      const std::string reason = tls.reason();
      if (tls.plain_http()) socket.write_plainly(kSpeakTls);
      co_return make_error(serving ? Code::malformed_request : Code::upstream_unreachable, {})
          .because("TLS: " + reason);
    }
    const Interest interest = step == TlsStream::Step::needs_read ? Interest::read : Interest::write;
    const Wake wake = co_await socket.wait(loop, interest, until);
    if (wake == Wake::cancelled) co_return make_error(Code::client_gone, {});
    if (wake == Wake::deadline) {
      co_return make_error(serving ? Code::request_timeout : Code::upstream_timeout, {})
          .because("TLS handshake timed out");
    }
  }
}

Task<WriteEnd> write_rest(Loop& loop, Socket& socket, std::span<const std::string_view> pieces, std::size_t& sent,
                          WriteLimits limits) {
  std::size_t skip = sent;  // of the pieces that are left
  while (!pieces.empty()) {
    if (skip >= pieces.front().size()) {
      skip -= pieces.front().size();
      pieces = pieces.subspan(1);
      continue;
    }
    std::array<std::string_view, kPieces> rest;
    std::size_t count = 0;
    for (const std::string_view piece : pieces.first(std::min(pieces.size(), kPieces))) rest[count++] = piece;
    rest[0].remove_prefix(skip);
    const Socket::Moved moved = socket.write({rest.data(), count});
    if (moved.io == Socket::Io::failed) co_return WriteEnd::failed;
    if (moved.io == Socket::Io::done) {
      skip += moved.bytes;
      sent += moved.bytes;
      continue;
    }
    const Deadline patience = Deadline::in(loop.now(), limits.stall);
    const Wake wake = co_await socket.wait(loop, Interest::write, limits.until.earlier(patience));
    if (wake == Wake::cancelled) co_return WriteEnd::cancelled;
    if (wake == Wake::deadline) co_return WriteEnd::stalled;
  }
  co_return WriteEnd::done;
}

}  // namespace intragate::net

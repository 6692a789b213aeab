#include "net/tls_stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "net/openssl_handles.h"

namespace intragate::net {
namespace {

constexpr std::size_t kRecord = std::size_t{16} * 1024;  // the most one record holds

// The next record's bytes: a piece as it lies there, or several copied together into `room`. Depends on nothing but the
// pieces, because OpenSSL wants to see the same bytes again after a send that the socket did not take.
std::string_view next_record(std::span<const std::string_view> pieces, std::size_t skip,
                             std::array<char, kRecord>& room) {
  while (!pieces.empty() && skip >= pieces.front().size()) {
    skip -= pieces.front().size();
    pieces = pieces.subspan(1);
  }
  if (pieces.empty()) return {};
  const std::string_view first = pieces.front().substr(skip);
  if (first.size() >= kRecord || pieces.size() == 1) return first.substr(0, kRecord);
  std::size_t size = 0;
  for (std::string_view piece : pieces) {
    piece.remove_prefix(std::exchange(skip, 0));
    piece = piece.substr(0, kRecord - size);
    if (!piece.empty()) std::memcpy(room.data() + size, piece.data(), piece.size());
    size += piece.size();
  }
  return {room.data(), size};
}

}  // namespace

// OpenSSL's way to the socket: knows from the reactor when a system call would find nothing.
struct TlsStream::Bio {
  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const int sent = static_cast<TlsStream*>(BIO_get_data(bio))->send(bytes, size);
    if (sent < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
    return sent;
  }
  static int read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    const int got = static_cast<TlsStream*>(BIO_get_data(bio))->receive(into, size);
    if (got < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    return got;
  }
  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static BIO_METHOD* make() {
    BIO_METHOD* const method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "intragate socket");
    BIO_meth_set_write(method, write);
    BIO_meth_set_read(method, read);
    BIO_meth_set_ctrl(method, control);
    return method;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = make();  // for as long as the process lives
    return made;
  }
};

TlsStream::TlsStream(std::shared_ptr<const TlsContext> context, Descriptor& descriptor, std::string early)
    : context_{std::move(context)}, descriptor_{descriptor}, session_{context_->open()}, early_{std::move(early)} {
  bio_ = session_ == nullptr ? nullptr : BIO_new(Bio::method());
  if (bio_ == nullptr) return;
  BIO_set_data(bio_, this);
  BIO_set_init(bio_, 1);
  SSL_set_bio(session_, bio_, bio_);
}

TlsStream::~TlsStream() {
  if (session_ == nullptr) return;
  if (!descriptor_.hung_up) say_goodbye();
  SSL_set_shutdown(session_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);  // so that the session stays good
  SSL_free(session_);
  ERR_clear_error();
}

int TlsStream::receive(char* into, int size) {
  const auto room = static_cast<std::size_t>(size);
  if (!early_.empty()) {
    const std::size_t bytes = std::min(room, early_.size());
    std::memcpy(into, early_.data(), bytes);
    early_.erase(0, bytes);
    if (early_.empty()) early_ = {};
    return static_cast<int>(bytes);
  }
  Descriptor& d = descriptor_;
  if (d.registered && !d.can_read) {
    errno = EAGAIN;
    return -1;
  }
  ssize_t got = 0;
  do {
    got = ::recv(d.fd, into, room, 0);
  } while (got < 0 && errno == EINTR);
  const bool emptied = got > 0 && static_cast<std::size_t>(got) < room && d.registered && !d.hung_up;
  if (emptied || (got < 0 && errno == EAGAIN)) d.can_read = false;
  return static_cast<int>(got);
}

int TlsStream::send(const char* bytes, int size) {
  // Nobody waits for a ticket: by itself it would cost a system call, and wake the client for nothing. (In TLS 1.2 it
  // is a part of the handshake.)
  if (!ready_ && SSL_get_state(session_) == TLS_ST_SW_SESSION_TICKET && SSL_version(session_) == TLS1_3_VERSION) {
    ticket_.append(bytes, static_cast<std::size_t>(size));
    return size;
  }
  if (!ticket_.empty()) return send_with_ticket(bytes, size);
  ssize_t sent = 0;
  do {
    sent = ::send(descriptor_.fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < size && (sent >= 0 || errno == EAGAIN)) descriptor_.can_write = false;
  return static_cast<int>(sent);
}

int TlsStream::send_with_ticket(const char* bytes, int size) {
  std::array<iovec, 2> pieces{
      {{ticket_.data(), ticket_.size()}, {const_cast<char*>(bytes), static_cast<std::size_t>(size)}}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(descriptor_.fd, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) return -1;
  const std::size_t left = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  const std::size_t of_ticket = std::min(left, ticket_.size());
  ticket_.erase(0, of_ticket);
  const auto of_bytes = static_cast<int>(left - of_ticket);
  if (ticket_.empty()) ticket_ = {};
  if (of_bytes < size) descriptor_.can_write = false;
  if (of_bytes > 0) return of_bytes;
  errno = EAGAIN;
  return -1;
}

TlsStream::Step TlsStream::handshake() {
  if (bio_ == nullptr) {
    reason_ = "no memory";
    return Step::failed;
  }
  ERR_clear_error();
  const int result = SSL_do_handshake(session_);
  if (result == 1) {
    if (!context_->pinned(session_)) {
      reason_ = "the server's public key is none of the pinned ones";
      broken_ = true;
      return Step::failed;
    }
    ready_ = true;
    const X509* const certificate = SSL_get0_peer_certificate(session_);
    if (context_->asks_clients() && certificate != nullptr) {
      peer_ = std::make_unique<Certificate>(describe_certificate(*certificate));
    }
    if (SSL_has_pending(session_) == 1 || !early_.empty()) descriptor_.can_read = true;
    return Step::done;
  }
  const int why = SSL_get_error(session_, result);
  if (why == SSL_ERROR_WANT_READ) return Step::needs_read;
  if (why == SSL_ERROR_WANT_WRITE) return Step::needs_write;
  broken_ = true;
  note_failure();
  return why == SSL_ERROR_SYSCALL ? Step::closed : Step::failed;
}

void TlsStream::note_failure() {
  const unsigned long code = ERR_peek_last_error();
  plain_http_ = ERR_GET_LIB(code) == ERR_LIB_SSL &&
                (ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST || ERR_GET_REASON(code) == SSL_R_HTTPS_PROXY_REQUEST);
  const long verdict = SSL_get_verify_result(session_);
  if (verdict != X509_V_OK) {
    reason_ = std::string{"certificate: "} + X509_verify_cert_error_string(verdict);
    ERR_clear_error();
  } else {
    reason_ = code == 0 ? "the peer closed the connection within the handshake" : openssl_reason();
  }
}

Socket::Io TlsStream::end_of(int result) {
  using Io = Socket::Io;
  switch (SSL_get_error(session_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return Io::blocked;
    case SSL_ERROR_ZERO_RETURN: return Io::closed;
    default: broken_ = true; return Io::failed;
  }
}

Socket::Moved TlsStream::read(std::span<char> space) {
  std::size_t total = 0;
  while (total < space.size()) {
    if (total > 0 && SSL_has_pending(session_) == 0) break;
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_read_ex(session_, space.data() + total, space.size() - total, &bytes);
    total += bytes;
    if (result == 1) continue;
    const Socket::Io end = end_of(result);
    if (total == 0) return {end};
    if (end != Socket::Io::blocked) descriptor_.can_read = true;  // the next read finds it again
    return {Socket::Io::done, total};
  }
  // What lies here already is announced by nobody.
  if (SSL_has_pending(session_) == 1) descriptor_.can_read = true;
  return {Socket::Io::done, total};
}

Socket::Moved TlsStream::write(std::span<const std::string_view> pieces) {
  std::array<char, kRecord> room;
  std::size_t total = 0;
  for (;;) {
    const std::string_view record = next_record(pieces, total, room);
    if (record.empty()) return {Socket::Io::done, total};
    ERR_clear_error();
    std::size_t bytes = 0;
    const int result = SSL_write_ex(session_, record.data(), record.size(), &bytes);
    total += bytes;
    if (result == 1) continue;
    const Socket::Io end = end_of(result);
    if (end == Socket::Io::blocked) descriptor_.can_write = false;
    if (total > 0) return {Socket::Io::done, total};
    return {end == Socket::Io::blocked ? end : Socket::Io::failed};
  }
}

bool TlsStream::speaks() {
  ERR_clear_error();
  char byte = 0;
  std::size_t bytes = 0;
  const int result = SSL_peek_ex(session_, &byte, 1, &bytes);
  return result == 1 || end_of(result) != Socket::Io::blocked;
}

void TlsStream::say_goodbye() {
  if (!ready_ || broken_) return;
  broken_ = true;
  ERR_clear_error();
  (void)SSL_shutdown(session_);
}

std::string_view TlsStream::version() const {
  return SSL_get_version(session_);
}

bool TlsStream::resumed() const {
  return SSL_session_reused(session_) == 1;
}

}  // namespace intragate::net

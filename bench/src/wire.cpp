#include "wire.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace intragate::bench {

struct Tls::Newest {
  SSL_SESSION* session = nullptr;
};

Tls::Tls(Sessions sessions)
    : sessions_{sessions}, context_{SSL_CTX_new(TLS_client_method())}, newest_{std::make_unique<Newest>()} {
  if (context_ == nullptr) std::abort();
  SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
  SSL_CTX_set_mode(context_,
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_app_data(context_, newest_.get());
  if (sessions == Sessions::fresh) return;
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_, [](SSL* connection, SSL_SESSION* session) {
    auto* newest = static_cast<Newest*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
    SSL_SESSION_free(std::exchange(newest->session, session));
    return 1;  // ours now
  });
}

Tls::~Tls() {
  SSL_SESSION_free(newest_->session);
  SSL_CTX_free(context_);
}

Wire::Wire(int fd, Tls* tls) : fd_{fd}, tls_{tls} {
  if (fd < 0 || tls == nullptr) return;
  session_ = SSL_new(tls->context_);
  if (session_ == nullptr) std::abort();
  SSL_set_fd(session_, fd);
  SSL_set_connect_state(session_);
  if (tls->newest_->session == nullptr) return;
  SSL_SESSION* copy = SSL_SESSION_dup(tls->newest_->session);  // OpenSSL lets each be used once
  SSL_set_session(session_, copy);
  SSL_SESSION_free(copy);
}

Wire::Wire(Wire&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)},
      session_{std::exchange(other.session_, nullptr)},
      tls_{other.tls_},
      counted_{other.counted_} {}

Wire& Wire::operator=(Wire&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(session_, other.session_);
  std::swap(tls_, other.tls_);
  std::swap(counted_, other.counted_);
  return *this;
}

ssize_t Wire::result_of(int count) {
  if (!counted_ && SSL_is_init_finished(session_) != 0) {
    counted_ = true;
    tls_->resumed_ += SSL_session_reused(session_) != 0 ? 1 : 0;
  }
  if (count > 0) return count;
  switch (SSL_get_error(session_, count)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: errno = EAGAIN; return -1;
    case SSL_ERROR_ZERO_RETURN: return 0;
    default: errno = EPROTO; return -1;
  }
}

ssize_t Wire::send(const char* bytes, std::size_t size) {
  if (session_ == nullptr) return ::send(fd_, bytes, size, MSG_NOSIGNAL);
  ERR_clear_error();  // of another connection, which would be taken for this one's
  return result_of(SSL_write(session_, bytes, static_cast<int>(size)));
}

ssize_t Wire::receive(char* space, std::size_t size) {
  if (session_ == nullptr) return ::recv(fd_, space, size, 0);
  ERR_clear_error();
  return result_of(SSL_read(session_, space, static_cast<int>(size)));
}

void Wire::close() {
  if (session_ != nullptr) {
    SSL_set_quiet_shutdown(session_, 1);
    SSL_shutdown(session_);  // or the session would count as a broken one, and not be resumed
  }
  SSL_free(std::exchange(session_, nullptr));
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  counted_ = false;
}

}  // namespace intragate::bench

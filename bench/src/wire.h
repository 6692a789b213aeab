// One connection's bytes, plain or TLS, for edge-triggered loops: like send() and recv(), -1 with EAGAIN when it has to
// wait. Over TLS either may have to wait for either direction, so whoever has something to send tries again on any
// event. Owner:   a load.  Thread: one. Does not: check certificates (the other end is this machine's own), close
// quietly.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>

struct ssl_ctx_st;
struct ssl_st;

namespace intragate::bench {

enum class Sessions : std::uint8_t { fresh, resumed };

// How TLS is spoken: 1.3, and with the newest session of an earlier connection if `resumed`.
class Tls {
 public:
  explicit Tls(Sessions sessions);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  bool resumes() const { return sessions_ == Sessions::resumed; }
  std::uint64_t resumed() const { return resumed_; }  // handshakes that were

 private:
  friend class Wire;
  struct Newest;
  Sessions sessions_;
  ssl_ctx_st* context_;
  std::unique_ptr<Newest> newest_;
  std::uint64_t resumed_ = 0;
};

class Wire {
 public:
  Wire() = default;
  // Takes over the descriptor; `tls` may be null.
  Wire(int fd, Tls* tls);
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&& other) noexcept;
  ~Wire() { close(); }

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  ssize_t send(const char* bytes, std::size_t size);
  ssize_t receive(char* space, std::size_t size);
  // Whether nothing more can be there after a receive() that filled `got` of `space` bytes.
  bool drained(std::size_t got, std::size_t space) const { return session_ == nullptr && got < space; }
  void close();

 private:
  ssize_t result_of(int count);

  int fd_ = -1;
  ssl_st* session_ = nullptr;
  Tls* tls_ = nullptr;
  bool counted_ = false;
};

}  // namespace intragate::bench

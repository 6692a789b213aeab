// A non-blocking TCP socket, with TLS once secure() has begun it: reads and writes are tried at once; waiting is
// separate and awaited. Move-only; closes itself. Owner: a connection. Thread: one loop. Does not: buffer, know
// deadlines beyond those of its waits.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/result.h"
#include "net/reactor.h"
#include "net/task.h"

namespace intragate::net {

struct Certificate;
class TlsContext;
class TlsStream;

class Socket {
 public:
  enum class Io : std::uint8_t { done, blocked, closed, failed };
  struct Moved {
    Io io = Io::done;
    std::size_t bytes = 0;  // done: how many, at least one
  };

  Socket() = default;
  // Takes over an open, non-blocking descriptor.
  explicit Socket(int fd);

  [[nodiscard]] bool open() const { return state_ != nullptr; }
  void close() { state_.reset(); }

  // One recv into `space` (not empty). `closed`: the peer has sent all it will.
  Moved read(std::span<char> space);
  // One gathered send of at most 16 pieces. `failed`: nobody is there any more.
  Moved write(std::span<const std::string_view> pieces);

  // Awaitables; `either` wakes for whichever comes first.
  [[nodiscard]] Readiness wait(Loop& loop, Interest interest, Until until) {
    return {loop, state_->descriptor, interest, until};
  }

  [[nodiscard]] Readiness wait(Loop& loop, Interest interest, Socket& other, Interest other_interest, Until until) {
    return {loop, state_->descriptor, interest, other.state_->descriptor, other_interest, until};
  }

  // Who is told (client_gone) when the peer hangs up, also while nobody reads; registers the socket for that.
  void on_hangup(Loop& loop, Cancellation* cancellation);
  [[nodiscard]] bool hung_up() const { return state_->descriptor.hung_up; }
  // False: nothing is there to read as far as is known (no system call).
  [[nodiscard]] bool may_read() const { return state_->descriptor.can_read; }
  // TLS begins with the next byte; `early` was read already. Reads and writes wait for the handshake (secure()).
  void begin_tls(std::shared_ptr<const TlsContext> context, std::string early);
  [[nodiscard]] TlsStream* tls() const { return state_->tls.get(); }

  // Bytes or an end that nobody asked for: an idle pooled connection like that is of no more use (peeks).
  [[nodiscard]] bool stale();

  // For whoever reads or accepts on the descriptor directly: nothing more is there.
  void drained() { state_->descriptor.can_read = false; }

  // Around TLS, for a peer that does not speak it; what does not fit is lost.
  void write_plainly(std::string_view bytes);

  // Bytes written that the peer's system has not acknowledged.
  [[nodiscard]] std::size_t unacknowledged() const;
  // Sends FIN; reading goes on.
  void shutdown_write();
  // Makes close() send RST instead of FIN: the peer learns at once that nobody will read.
  void reset_on_close();

 private:
  struct State {
    Descriptor descriptor;
    std::unique_ptr<TlsStream> tls;
    State();
    ~State();
  };
  // What one send call, repeated when a signal interrupts it, says about `total` bytes.
  template <class Send>
  Moved sent(std::size_t total, Send send);
  std::unique_ptr<State> state_;
};

// Errors: upstream_unreachable (refused, no route), upstream_timeout at the deadline, client_gone when cancelled. The
// message is empty: the caller knows which model it was for; `detail` says what the system said.
[[nodiscard]] Task<Result<Socket>> connect(Loop& loop, SocketAddress address, Until until);

// The TLS handshake, as server or client. `early`: bytes of it that were read already.
// Errors: malformed_request or upstream_unreachable (a server's or a client's view; the detail says what was wrong),
// request_timeout or upstream_timeout, client_gone. The message is empty.
[[nodiscard]] Task<Result<Unit>> secure(Loop& loop, Socket& socket, std::shared_ptr<const TlsContext> context,
                                        std::string early, Until until);

// What every write to one connection needs: all pieces go out, or an error; waits for the peer at most `stall` at a
// time.
struct WriteLimits {
  Duration stall;
  Until until;
};
enum class WriteEnd : std::uint8_t { done, stalled, cancelled, failed };
// The slow path, after a write came up short: sends the pieces from byte `sent` on, and counts there what went out.
[[nodiscard]] Task<WriteEnd> write_rest(Loop& loop, Socket& socket, std::span<const std::string_view> pieces,
                                        std::size_t& sent, WriteLimits limits);

}  // namespace intragate::net

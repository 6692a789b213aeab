// A listening TCP socket of one loop. All loops listen on the same address (SO_REUSEPORT); the kernel spreads
// connections. Owner: the loop's front door (app). Thread: one loop. Does not: decide who may connect.
#pragma once

#include <optional>

#include "base/address.h"
#include "base/result.h"
#include "net/socket.h"

namespace intragate::net {

// A longer queue than any burst: 128 drops SYNs at 2,000 simultaneous connections and costs each a second. The kernel
// caps it at net.core.somaxconn; start-up warns when that is lower.
inline constexpr int kBacklog = 4'096;
[[nodiscard]] int system_backlog_limit();

class Listener {
 public:
  // Binds and listens. The first listener of an address must be Sharing::first: it makes sure that no other process has
  // the port, which SO_REUSEPORT alone would hide. Errors: io, naming address and reason.
  enum class Sharing : std::uint8_t { first, another };
  static Result<Listener> open(SocketAddress address, Sharing sharing);

  // As bound: the real port where 0 was asked for.
  [[nodiscard]] const SocketAddress& address() const { return address_; }

  struct Accepted {
    Socket socket;
    SocketAddress peer;
  };
  // The next connection that waits, if any. Never blocks.
  std::optional<Accepted> accept();
  // The last accept() failed although somebody may be waiting: out of descriptors or memory. Try again after a pause.
  [[nodiscard]] bool starved() const { return starved_; }
  // Connections are refused from here on. Only when nobody waits on it any more.
  void close() { socket_.close(); }
  [[nodiscard]] Readiness wait(Loop& loop, Until until) { return socket_.wait(loop, Interest::read, until); }

 private:
  Listener(Socket socket, int fd, SocketAddress address) : socket_{std::move(socket)}, fd_{fd}, address_{address} {}
  Socket socket_;
  int fd_;
  SocketAddress address_;
  bool starved_ = false;
};

}  // namespace intragate::net

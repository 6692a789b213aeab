// The hot path's readiness: an edge-triggered epoll instance whose descriptor the loop watches through Asio. A
// descriptor is registered once, at its first wait, for everything. Owner: Loop. Thread: the loop. Does not: read,
// write, resume coroutines (it completes their waits; the loop resumes them).
#pragma once

#include <cstdint>

#include "net/wait.h"

namespace intragate::net {

class Readiness;

// What the reactor knows about one open descriptor. Address-stable: sockets keep it on the heap.
struct Descriptor {
  int fd = -1;
  bool registered = false;
  bool can_read = true;   // until a read comes up short
  bool can_write = true;  // until a write comes up short
  bool hung_up = false;   // the peer closed its end, or the connection failed
  Readiness* waiting = nullptr;
  Cancellation* on_hangup = nullptr;  // fired with client_gone when the peer hangs up; null: nobody to tell
};

enum class Interest : std::uint8_t { read = 1, write = 2, either = 3 };

class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  [[nodiscard]] int fd() const { return epoll_; }
  // Handles what has happened, without waiting. Returns false when nothing had.
  bool poll();
  // Registers for reading, writing and hang-ups, edge-triggered. Failure (no memory) shows as a hung-up descriptor.
  void add(Descriptor& descriptor) const;

 private:
  static void handle(Descriptor& descriptor, std::uint32_t events);
  int epoll_;
};

// co_await Readiness{loop, descriptor, interest, until}.
class Readiness : public Wait {
 public:
  Readiness(Loop& loop, Descriptor& descriptor, Interest interest, Until until)
      : Wait{loop, until}, descriptor_{descriptor}, interest_{interest} {}
  ~Readiness() {
    if (descriptor_.waiting == this) descriptor_.waiting = nullptr;
  }
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  [[nodiscard]] bool satisfied() const;
  // For a socket that is still connecting: not writable before epoll says so.
  void forget_write() { descriptor_.can_write = false; }

 private:
  Descriptor& descriptor_;
  Interest interest_;
};

}  // namespace intragate::net

// Readiness: an edge-triggered epoll instance. A descriptor is registered once, at its first wait, for everything.
// Owner: Loop. Thread: the loop; wake() from any. Does not: read, write, resume coroutines (it completes their waits;
// the loop resumes them).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

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

  // Waits until something happens, `longest` at most (none: for ever), and handles it. Returns whether wake() was
  // called since the last time.
  bool wait(std::optional<std::chrono::milliseconds> longest);
  // Ends a wait, or the next one. Any thread.
  void wake() const;
  // Registers for reading, writing and hang-ups, edge-triggered. Failure (no memory) shows as a hung-up descriptor.
  void add(Descriptor& descriptor) const;

 private:
  static void handle(Descriptor& descriptor, std::uint32_t events);
  [[nodiscard]] bool take_wake() const;
  int epoll_;
  int wake_;  // an eventfd
};

// co_await Readiness{loop, descriptor, interest, until}.
class Readiness : public Wait {
 public:
  Readiness(Loop& loop, Descriptor& descriptor, Interest interest, Until until)
      : Wait{loop, until}, descriptor_{descriptor}, interest_{interest} {}
  // Whichever of two comes first.
  Readiness(Loop& loop, Descriptor& descriptor, Interest interest, Descriptor& other, Interest other_interest,
            Until until)
      : Wait{loop, until},
        descriptor_{descriptor},
        interest_{interest},
        other_{&other},
        other_interest_{other_interest} {}
  ~Readiness() {
    if (descriptor_.waiting == this) descriptor_.waiting = nullptr;
    if (other_ != nullptr && other_->waiting == this) other_->waiting = nullptr;
  }
  bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  [[nodiscard]] bool satisfied() const;
  // For a socket that is still connecting: not writable before epoll says so.
  void forget_write() { descriptor_.can_write = false; }

 private:
  Descriptor& descriptor_;
  Interest interest_;
  Descriptor* other_ = nullptr;
  Interest other_interest_ = Interest::read;
};

}  // namespace intragate::net

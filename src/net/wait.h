// Waiting: every wait ends by what it waits for, by its deadline, or by cancellation, whichever comes first.
// Owner:  a Wait lives in the frame of the coroutine that awaits it. Thread: one loop.
// Does not: resume inside complete(): the loop's ready queue does, so that no event handler runs a coroutine.
#pragma once

#include <coroutine>
#include <cstdint>

#include "base/time.h"
#include "net/list.h"

namespace intragate::net {

class Loop;
class Wait;

enum class Wake : std::uint8_t { ready, deadline, cancelled };

enum class CancelReason : std::uint8_t { none, client_gone, shutdown, operator_request };

// One per connection: tells whatever the connection's coroutine is waiting for that it is over. There is at most one
// such wait at any time, because one coroutine chain serves a connection.
class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // The first reason stays.
  void fire(CancelReason reason);
  // What it told has been acted upon: an operator ends a call, not the connection it came on. REQUIRES: nobody waits.
  void withdraw() { reason_ = CancelReason::none; }
  [[nodiscard]] bool fired() const { return reason_ != CancelReason::none; }
  [[nodiscard]] CancelReason reason() const { return reason_; }

 private:
  friend class Wait;
  CancelReason reason_ = CancelReason::none;
  Wait* waiting_ = nullptr;
};

// How long, and until whose cancellation, a wait may last.
struct Until {
  Deadline deadline;
  Cancellation* cancellation = nullptr;  // outlives the wait; null: cannot be cancelled

  [[nodiscard]] Until earlier(Deadline other) const { return {deadline.earlier(other), cancellation}; }
};

// A place in a loop's ready queue.
struct ReadyNode : ListHook {
  std::coroutine_handle<> handle;
};

// A place in the timer wheel.
struct TimerNode : ListHook {
  TimePoint at;
};

// The base of what coroutines await. A source of readiness keeps a pointer to it between suspend() and complete().
class Wait : private TimerNode {
 public:
  Wait(Loop& loop, Until until) : loop_{loop}, until_{until} {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { forget(); }

  // Ends the wait; the coroutine resumes from the loop's ready queue. Later calls do nothing.
  void complete(Wake wake);
  [[nodiscard]] bool completed() const { return completed_; }
  Wake await_resume() const noexcept { return wake_; }

 protected:
  // For await_ready: true when waiting makes no sense (cancelled already, deadline past), with the result set.
  bool over_already();
  void suspend(std::coroutine_handle<> handle);
  // Like complete(ready), but after the next look at the sockets.
  void complete_later();
  void set_result(Wake wake) { wake_ = wake; }
  Loop& loop() { return loop_; }

 private:
  friend class Loop;
  friend class TimerWheel;
  void forget();

  Loop& loop_;
  Until until_;
  ReadyNode ready_;
  Wake wake_ = Wake::ready;
  bool completed_ = false;
};

// co_await Pause{loop, until}: until the deadline or cancellation. Wakes with `deadline` when the time is over.
class Pause : public Wait {
 public:
  Pause(Loop& loop, Until until) : Wait{loop, until} {}
  bool await_ready() { return over_already(); }
  void await_suspend(std::coroutine_handle<> handle) { suspend(handle); }
};

// co_await Yield{loop}: lets everything else that is ready run first.
class Yield : public Wait {
 public:
  explicit Yield(Loop& loop) : Wait{loop, {}} {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    suspend(handle);
    complete_later();
  }
};

// A place to wait for something another part of the same loop announces (a resolved name, a turn). One waiter at a
// time.
class Signal {
 public:
  class Awaiter : public Wait {
   public:
    Awaiter(Signal& signal, Loop& loop, Until until) : Wait{loop, until}, signal_{signal} {}
    ~Awaiter() {
      if (signal_.waiting_ == this) signal_.waiting_ = nullptr;
    }
    bool await_ready() { return signal_.set_ || over_already(); }
    void await_suspend(std::coroutine_handle<> handle) {
      signal_.waiting_ = this;
      suspend(handle);
    }

   private:
    Signal& signal_;
  };
  Awaiter wait(Loop& loop, Until until) { return {*this, loop, until}; }
  void set() {
    set_ = true;
    if (waiting_ != nullptr) waiting_->complete(Wake::ready);
  }
  void clear() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }

 private:
  bool set_ = false;
  Awaiter* waiting_ = nullptr;
};

}  // namespace intragate::net

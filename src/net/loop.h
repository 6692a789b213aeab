// One thread's event loop: an edge-triggered reactor (net/reactor.h) for sockets and for messages from other threads, a
// wheel for deadlines, a queue of coroutines to resume. Everything a connection needs on its thread hangs off this.
// Owner: app makes one per core. Thread: run() binds it; only post(), stop() and index() may be called from elsewhere.
// Does not: know HTTP, share anything with other loops. See docs/decisions/0002-io-layer.md for the measurements.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/time.h"
#include "net/buffer.h"
#include "net/list.h"
#include "net/task.h"

namespace intragate::net {

class Reactor;
class Resolver;
class TimerWheel;
class Wait;
struct ReadyNode;
struct TimerNode;

class Loop {
 public:
  explicit Loop(std::size_t index);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs until stop(). What is still linked then is destroyed by its owners, not resumed.
  void run();
  void stop();                                // any thread
  void post(std::function<void()> function);  // any thread; runs on this loop, in order
  [[nodiscard]] std::size_t index() const { return index_; }

  // The time of the current wake-up: cheap, and the same for everything handled in it.
  [[nodiscard]] TimePoint now() const { return now_; }
  // Reads the clock anew.
  TimePoint fresh_now() { return now_ = MonotonicClock::now(); }
  [[nodiscard]] BufferPool& buffers() { return buffers_; }
  // What all loops may hold together; without one, anything. Before run().
  void obey(const MemoryLimit& limit) { memory_ = &limit; }
  [[nodiscard]] bool has_room_for(std::uint64_t bytes) const { return memory_ == nullptr || memory_->room_for(bytes); }
  [[nodiscard]] bool nearly_full() const { return memory_ != nullptr && memory_->nearly_full(); }
  [[nodiscard]] Reactor& reactor() { return *reactor_; }
  [[nodiscard]] Resolver& resolver() { return *resolver_; }

  // Starts a root task; it runs to its end on this loop and is destroyed there, or with the loop.
  void spawn(Task<void> task);
  [[nodiscard]] std::size_t tasks() const { return tasks_; }
  // Destroys the root tasks that are left, wherever they wait. Only while run() is not running.
  void end_tasks();

  // For Wait: a coroutine to resume in this wake-up, and a deadline to watch.
  void enqueue(ReadyNode& node);
  void enqueue_later(ReadyNode& node);  // in the next wake-up, after a look at the sockets
  void arm(TimerNode& node);

 private:
  friend class Reactor;
  struct Root;
  static Root run_root(Loop& loop, Task<void> task);
  [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const;  // none: until something happens
  void take_messages();
  void run_ready();
  void run_timers();

  std::size_t index_;
  TimePoint now_ = MonotonicClock::now();
  BufferPool buffers_;
  const MemoryLimit* memory_ = nullptr;
  ListHook ready_;
  ListHook later_;
  ListHook roots_;
  std::size_t tasks_ = 0;
  TimePoint timer_at_ = TimePoint::max();  // when the wheel wants to be looked at; too early is harmless
  std::unique_ptr<TimerWheel> wheel_;
  std::unique_ptr<Reactor> reactor_;
  std::atomic<bool> stopped_{false};
  std::mutex messages_mutex_;
  std::vector<std::function<void()>> messages_;  // under the mutex
  std::unique_ptr<Resolver> resolver_;           // last: its threads post until it is gone
};

}  // namespace intragate::net

// One thread's event loop: Asio's io_context for timers, names and messages from other threads, and nested in it a
// small edge-triggered reactor for the hot sockets (net/reactor.h). Everything a connection needs on its thread hangs
// off this. Owner: app makes one per core. Thread: run() binds it; only post(), stop() and index() may be called from
// elsewhere. Does not: know HTTP, share anything with other loops. See docs/decisions/0002-io-layer.md for the
// measurements.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

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
  struct Asio;
  struct Root;
  static Root run_root(Loop& loop, Task<void> task);
  void woken();      // after the reactor, a timer or a message: resume everything that is ready
  void run_ready();  // false: something still is
  void arm_timer();
  void run_timers();
  void watch_reactor();

  std::size_t index_;
  TimePoint now_ = MonotonicClock::now();
  BufferPool buffers_;
  const MemoryLimit* memory_ = nullptr;
  ListHook ready_;
  ListHook later_;
  ListHook roots_;
  std::size_t tasks_ = 0;
  TimePoint timer_at_ = TimePoint::max();  // when Asio will wake us for the wheel
  bool later_posted_ = false;
  bool timer_late_ = false;  // a deadline earlier than that has been armed
  std::unique_ptr<TimerWheel> wheel_;
  std::unique_ptr<Asio> asio_;
  std::unique_ptr<Reactor> reactor_;
  std::unique_ptr<Resolver> resolver_;
};

}  // namespace intragate::net

#include "net/loop.h"

#include <algorithm>
#include <coroutine>
#include <exception>
#include <utility>

#include "net/reactor.h"
#include "net/resolver.h"
#include "net/timer_wheel.h"
#include "net/wait.h"

namespace intragate::net {

// The coroutine that owns a root task's frame until it ends or the loop dies.
struct Loop::Root {
  struct promise_type : ListHook {
    Loop* loop = nullptr;
    // Sees the parameters of run_root; links the frame into the loop so that the loop can destroy it.
    promise_type(Loop& owner, Task<void>& /*task*/) : loop{&owner} {
      owner.roots_.insert_before(*this);
      ++owner.tasks_;
    }
    ~promise_type() { --loop->tasks_; }
    Root get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Loop::Root Loop::run_root(Loop& /*loop*/, Task<void> task) {
  co_await task;
}

Loop::Loop(std::size_t index)
    : index_{index},
      wheel_{std::make_unique<TimerWheel>(now_)},
      reactor_{std::make_unique<Reactor>()},
      resolver_{std::make_unique<Resolver>(*this)} {}

Loop::~Loop() {
  end_tasks();
}

void Loop::end_tasks() {
  while (roots_.linked()) {
    auto& promise = static_cast<Root::promise_type&>(*roots_.next());
    std::coroutine_handle<Root::promise_type>::from_promise(promise).destroy();
  }
}

void Loop::run() {
  fresh_now();
  run_ready();
  while (!stopped_.load(std::memory_order_relaxed)) {
    const bool woken = reactor_->wait(patience());
    fresh_now();
    if (woken) take_messages();
    if (now_ >= timer_at_) run_timers();
    ready_.splice(later_);
    run_ready();
  }
}

void Loop::stop() {
  stopped_.store(true, std::memory_order_relaxed);
  reactor_->wake();
}

void Loop::post(std::function<void()> function) {
  bool first = false;
  {
    const std::lock_guard lock{messages_mutex_};
    first = messages_.empty();
    messages_.push_back(std::move(function));
  }
  if (first) reactor_->wake();
}

void Loop::spawn(Task<void> task) {
  run_root(*this, std::move(task));
}

// How long the loop may sleep, rounded up: a deadline never fires early.
std::optional<std::chrono::milliseconds> Loop::patience() const {
  if (later_.linked()) return std::chrono::milliseconds::zero();
  if (timer_at_ == TimePoint::max()) return std::nullopt;
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(timer_at_ - now_), std::chrono::milliseconds::zero());
}

void Loop::take_messages() {
  std::vector<std::function<void()>> taken;
  {
    const std::lock_guard lock{messages_mutex_};
    taken.swap(messages_);
  }
  for (const auto& message : taken) message();
}

// Ends: what is ready became so by an event, and handling it makes nothing ready for ever.
void Loop::run_ready() {
  while (ready_.linked()) {
    auto& node = static_cast<ReadyNode&>(*ready_.next());
    node.unlink();
    node.handle.resume();
  }
}

void Loop::enqueue(ReadyNode& node) {
  ready_.insert_before(node);
}

void Loop::enqueue_later(ReadyNode& node) {
  later_.insert_before(node);
}

void Loop::arm(TimerNode& node) {
  timer_at_ = std::min(timer_at_, wheel_->arm(node));
}

void Loop::run_timers() {
  ListHook due;
  wheel_->advance(now_, due);
  timer_at_ = wheel_->next();
  while (due.linked()) {
    auto& node = static_cast<TimerNode&>(*due.next());
    node.unlink();
    static_cast<Wait&>(node).complete(Wake::deadline);
  }
}

}  // namespace intragate::net

#include "net/loop.h"

#include <coroutine>
#include <exception>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/asio.h"
#include "net/reactor.h"
#include "net/resolver.h"
#include "net/timer_wheel.h"
#include "net/wait.h"

namespace intragate::net {

namespace asio = boost::asio;

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
      asio_{std::make_unique<Asio>()},
      reactor_{std::make_unique<Reactor>()},
      resolver_{std::make_unique<Resolver>(*this)} {
  asio_->watched.assign(reactor_->fd());
}

Loop::~Loop() {
  end_tasks();
  asio_->watched.release();
}

void Loop::end_tasks() {
  while (roots_.linked()) {
    auto& promise = static_cast<Root::promise_type&>(*roots_.next());
    std::coroutine_handle<Root::promise_type>::from_promise(promise).destroy();
  }
}

void Loop::run() {
  fresh_now();
  watch_reactor();
  woken();
  asio_->context.run();
}

void Loop::stop() {
  asio_->context.stop();
}

void Loop::post(std::function<void()> function) {
  asio::post(asio_->context, [this, call = std::move(function)] {
    fresh_now();
    call();
    woken();
  });
}

void Loop::spawn(Task<void> task) {
  run_root(*this, std::move(task));
}

void Loop::watch_reactor() {
  asio_->watched.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code failed) {
    if (failed) return;
    fresh_now();
    reactor_->poll();
    woken();
    watch_reactor();
  });
}

void Loop::woken() {
  run_ready();
  if (later_.linked() && !later_posted_) {
    // What yields must not keep timers, messages and other sockets waiting: it goes through Asio's queue.
    later_posted_ = true;
    asio::post(asio_->context, [this] {
      later_posted_ = false;
      fresh_now();
      reactor_->poll();
      ready_.splice(later_);
      woken();
    });
  }
  if (timer_late_) arm_timer();
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
  if (wheel_->arm(node) < timer_at_) timer_late_ = true;
}

void Loop::arm_timer() {
  timer_late_ = false;
  const TimePoint next = wheel_->next();
  if (next >= timer_at_) return;  // waking too early is harmless
  timer_at_ = next;
  asio_->timer.expires_at(asio::steady_timer::time_point{next});
  asio_->timer.async_wait([this](boost::system::error_code failed) {
    if (!failed) run_timers();
  });
}

void Loop::run_timers() {
  timer_at_ = TimePoint::max();
  timer_late_ = true;
  ListHook due;
  wheel_->advance(fresh_now(), due);
  while (due.linked()) {
    auto& node = static_cast<TimerNode&>(*due.next());
    node.unlink();
    static_cast<Wait&>(node).complete(Wake::deadline);
  }
  woken();
}

}  // namespace intragate::net

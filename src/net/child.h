// Child<T>: a task that runs beside the coroutine that made it, on the same loop. Its waits have no cancellation of
// their own: whoever does not want its result any more destroys it, wherever it waits, and what it holds goes back.
// Owner: a frame of the coroutine that made it, which what the task refers to outlives. Thread: one loop.
// Does not: resume its parent: `news` is set when it ends, and the parent goes on from the loop's ready queue.
#pragma once

#include <coroutine>
#include <utility>

#include "net/task.h"
#include "net/wait.h"

namespace intragate::net {

template <class T>
class [[nodiscard]] Child {
 public:
  // Begins at once, up to its first wait.
  Child(Task<T> task, Signal& news) : task_{run(std::move(task), news)} {
    task_.await_suspend(std::noop_coroutine()).resume();
  }

  [[nodiscard]] bool ended() const { return task_.ended(); }
  // Its result, or what it threw. REQUIRES: ended(). Once.
  [[nodiscard]] T take() { return task_.await_resume(); }

 private:
  struct AtEnd {
    Signal& news;
    explicit AtEnd(Signal& to) : news{to} {}
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;
    ~AtEnd() { news.set(); }
  };
  static Task<T> run(Task<T> task, Signal& news) {
    const AtEnd at_end{news};
    T result = co_await task;
    co_return result;
  }

  Task<T> task_;
};

}  // namespace intragate::net

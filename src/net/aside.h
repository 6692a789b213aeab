// Work that takes a while (more than a few milliseconds) beside a loop that goes on meanwhile: one thread, begun when
// it is first needed, one piece of work after the other. Owner: a worker, one for each loop. Thread: the loop; the work
// itself runs on the thread, so it owns all that it touches: it may outlive whoever asked.
// Does not: interrupt work; what has not begun when nobody waits any more never will.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "net/task.h"
#include "net/wait.h"

namespace intragate::net {

class Aside {
 public:
  using Work = std::function<void()>;

  explicit Aside(Loop& loop) : loop_{loop} {}
  ~Aside();  // waits for the work that is under way
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  // `ready`: it is done, and what it wrote can be read.
  [[nodiscard]] Task<Wake> run(Work work, Until until);

 private:
  struct Job;
  [[nodiscard]] bool begin();  // false: the system gives no thread
  void serve();

  Loop& loop_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::shared_ptr<Job>> jobs_;  // under the mutex
  bool over_ = false;                      // 〃
};

}  // namespace intragate::net

#include "net/aside.h"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <system_error>
#include <utility>

#include "net/loop.h"

namespace intragate::net {

struct Aside::Job {
  Work work;
  std::atomic<bool> wanted{true};
  Signal* done = nullptr;  // the loop's alone; null: nobody waits any more
};

namespace {

// Whatever ends the wait, the destruction of the coroutine too: the job must not touch its frame any more.
template <class Job>
struct Waiting {
  Job& job;
  ~Waiting() {
    job.done = nullptr;
    job.wanted = false;
  }
};

}  // namespace

Aside::~Aside() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock{mutex_};
    over_ = true;
  }
  more_.notify_one();
  thread_.join();
}

bool Aside::begin() {
  if (thread_.joinable()) return true;
  // Signals belong to the main thread.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread{[this] { serve(); }};
    ::pthread_setname_np(thread_.native_handle(), "aside");
  } catch (const std::system_error&) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread_.joinable();
}

void Aside::serve() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock{mutex_};
      more_.wait(lock, [this] { return over_ || !jobs_.empty(); });
      if (over_) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    if (!job->wanted) continue;
    job->work();
    job->work = nullptr;
    loop_.post([job = std::move(job)] {
      if (job->done != nullptr) job->done->set();
    });
  }
}

Task<Wake> Aside::run(Work work, Until until) {
  if (!begin()) {
    work();
    co_return Wake::ready;
  }
  Signal done;
  const auto job = std::make_shared<Job>();
  const Waiting<Job> waiting{*job};
  job->work = std::move(work);
  job->done = &done;
  {
    const std::lock_guard lock{mutex_};
    jobs_.push_back(job);
  }
  more_.notify_one();
  const Wake wake = co_await done.wait(loop_, until);
  co_return wake;
}

}  // namespace intragate::net

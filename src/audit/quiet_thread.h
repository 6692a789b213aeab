// Threads of this folder: named, and without signals, which belong to the loops. With SIGXFSZ blocked a limit of file
// sizes is an error of write(), like a full disk. Owner: the caller, who joins it.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace intragate::audit {

template <class Work>
[[nodiscard]] std::thread quiet_thread(const char* name, Work work) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread{std::move(work)};
  ::pthread_setname_np(thread.native_handle(), name);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace intragate::audit

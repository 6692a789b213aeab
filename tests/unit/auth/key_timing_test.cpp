// CWE-208: whether the time of a look-up says how much of a key's hash was right. Not with a clock, which other
// programs disturb: the instructions are counted, by stepping through a child process one at a time.
#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "auth/keyring.h"
#include "net/digest.h"

// What sanitizers add looks at what they have seen before, and takes steps of its own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace intragate::auth {
namespace {

void stop_here() {
  ::syscall(SYS_kill, ::syscall(SYS_getpid), SIGSTOP);
}

bool stopped_by(pid_t child, int signal) {
  int state = 0;
  return ::waitpid(child, &state, 0) == child && WIFSTOPPED(state) && WSTOPSIG(state) == signal;
}

// How many instructions `work` takes, together with those of its two stops. 0: it could not be found out.
template <class Work>
long steps_of(const Work& work) {
  work();  // whatever happens the first time only
  const pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    stop_here();
    work();
    stop_here();
    ::_exit(0);
  }
  long steps = 0;
  if (stopped_by(child, SIGSTOP)) {
    do {
      ++steps;
      if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
    } while (stopped_by(child, SIGTRAP));
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return steps;
}

TEST(Cwe208, AWrongKeyTakesTheSameStepsWhereverItsHashDiffers) {
  config::Key key;
  key.name = "dify";
  key.hash = net::sha256_hex("the right key");
  const Result<Keyring> ring = Keyring::make({key});
  ASSERT_TRUE(ring);
  const Digest right = net::sha256("the right key");
  const auto steps_if_wrong_at = [&](std::size_t byte) {
    Digest wrong = right;
    wrong.at(byte) ^= 1;
    EXPECT_EQ(ring->find(wrong), nullptr);
    return steps_of([&] { static_cast<void>(ring->find(wrong)); });
  };
  // Its first eight bytes only say where to look; what is found there is compared with all of it.
  const long first = steps_if_wrong_at(8);
  ASSERT_GT(first, 10) << "the child could not be stepped through";
  for (const std::size_t byte : {9, 15, 16, 23, 24, 30, 31}) EXPECT_EQ(steps_if_wrong_at(byte), first) << byte;
}

}  // namespace
}  // namespace intragate::auth

#endif

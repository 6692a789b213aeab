#include "qos/breaker.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace intragate::qos {
namespace {

using namespace std::chrono_literals;

class Breaking : public testing::Test {
 protected:
  void call(CallEnd how) { breaker.end(breaker.ask(now), how, now); }
  void calls(int count, CallEnd how) {
    for (int i = 0; i < count; ++i) call(how);
  }

  TimePoint now{1000s};
  Breaker breaker{{.consecutive = 0}};
};

TEST_F(Breaking, OpensWhenHalfOfTheCallsFail) {
  calls(6, CallEnd::good);
  calls(5, CallEnd::failed);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  call(CallEnd::failed);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
  EXPECT_EQ(breaker.ask(now), Breaker::Pass::none);
  EXPECT_EQ(breaker.cools_until(), now + 5s);
}

TEST_F(Breaking, OpensWhenMostCallsAreSlow) {
  calls(2, CallEnd::good);
  calls(7, CallEnd::slow);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  call(CallEnd::slow);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
}

TEST_F(Breaking, FewCallsDecideNothingButARowOfFailures) {
  calls(9, CallEnd::failed);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  Breaker strict{{.consecutive = 3}};
  for (const CallEnd how : {CallEnd::failed, CallEnd::failed, CallEnd::good, CallEnd::failed, CallEnd::failed})
    strict.end(strict.ask(now), how, now);
  EXPECT_EQ(strict.state(now), BreakerState::closed);
  strict.end(strict.ask(now), CallEnd::failed, now);
  EXPECT_EQ(strict.state(now), BreakerState::open);
}

TEST_F(Breaking, OldFailuresAreForgotten) {
  calls(9, CallEnd::failed);
  now += 11s;
  call(CallEnd::failed);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  EXPECT_EQ(breaker.rates(now).calls, 1U);
}

TEST_F(Breaking, WhatSaysNothingCountsForNothing) {
  calls(100, CallEnd::none);
  EXPECT_EQ(breaker.rates(now).calls, 0U);
}

TEST_F(Breaking, LetsAFewProbesThroughAfterItsCoolDown) {
  calls(10, CallEnd::failed);
  now += 5s;
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
  const Breaker::Pass first = breaker.ask(now);
  const Breaker::Pass second = breaker.ask(now);
  EXPECT_EQ(first, Breaker::Pass::probe);
  EXPECT_EQ(second, Breaker::Pass::probe);
  EXPECT_EQ(breaker.ask(now), Breaker::Pass::none);
  breaker.end(first, CallEnd::good, now);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
  breaker.end(second, CallEnd::good, now);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  EXPECT_EQ(breaker.rates(now).calls, 0U) << "what was before is over";
}

TEST_F(Breaking, ProbeThatSaysNothingLeavesItsPlace) {
  calls(10, CallEnd::failed);
  now += 5s;
  const Breaker::Pass first = breaker.ask(now);
  const Breaker::Pass second = breaker.ask(now);
  breaker.end(first, CallEnd::none, now);
  EXPECT_EQ(breaker.ask(now), Breaker::Pass::probe);
  breaker.end(second, CallEnd::none, now);
}

TEST_F(Breaking, EachFailedProbeDoublesTheCoolDownUpToItsMaximum) {
  calls(10, CallEnd::failed);
  for (const Duration cooldown : {10s, 20s, 40s, 60s, 60s}) {
    now = breaker.cools_until();
    call(CallEnd::failed);
    EXPECT_EQ(breaker.cools_until(), now + cooldown);
  }
  now = breaker.cools_until();
  calls(2, CallEnd::good);
  ASSERT_EQ(breaker.state(now), BreakerState::closed);
  calls(10, CallEnd::failed);
  EXPECT_EQ(breaker.cools_until(), now + 5s) << "and a good end resets it";
}

TEST_F(Breaking, LateEndsOfEarlierCallsDecideNothing) {
  const Breaker::Pass early = breaker.ask(now);
  const Breaker::Pass other = breaker.ask(now);
  const Breaker::Pass last = breaker.ask(now);
  calls(10, CallEnd::failed);
  const TimePoint until = breaker.cools_until();
  breaker.end(early, CallEnd::failed, now + 3s);
  EXPECT_EQ(breaker.cools_until(), until);
  breaker.end(other, CallEnd::good, now + 3s);
  EXPECT_EQ(breaker.state(now + 3s), BreakerState::open);
  breaker.end(last, CallEnd::failed, now + 6s);
  EXPECT_EQ(breaker.state(now + 6s), BreakerState::half_open) << "only probes decide now";
}

TEST_F(Breaking, ForcedCallsGoThroughAnOpenBreaker) {
  calls(10, CallEnd::failed);
  EXPECT_EQ(breaker.force(now), Breaker::Pass::normal);
}

TEST_F(Breaking, ProbesNeverExceedTheirNumberAndEndAtZero) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random{seed};
    Breaker any{{.consecutive = 3, .probes = 2}};
    std::vector<Breaker::Pass> open;
    for (int i = 0; i < 5000; ++i) {
      now += Duration{static_cast<Duration::rep>(random.unit() * 1e9)};
      if (random.next() % 2 == 0) {
        const Breaker::Pass pass = any.ask(now);
        EXPECT_EQ(pass == Breaker::Pass::probe,
                  any.state(now) == BreakerState::half_open && pass != Breaker::Pass::none);
        if (pass != Breaker::Pass::none) open.push_back(pass);
      } else if (!open.empty()) {
        const std::size_t which = random.next() % open.size();
        any.end(open[which], static_cast<CallEnd>(random.next() % 4), now);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
      }
      ASSERT_LE(std::count(open.begin(), open.end(), Breaker::Pass::probe), 2);
    }
    for (const Breaker::Pass pass : open) any.end(pass, CallEnd::none, now);
    now += 61s;
    if (any.state(now) == BreakerState::half_open) {
      EXPECT_EQ(any.ask(now), Breaker::Pass::probe) << "no place of a probe was lost";
      EXPECT_EQ(any.ask(now), Breaker::Pass::probe);
    }
  }
}

}  // namespace
}  // namespace intragate::qos

#include "upstream/breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace intragate::upstream {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kNoRow = 1'000'000;  // of failures: only rates count

config::Health rules(std::uint32_t failures, std::uint32_t probes) {
  config::Health made;
  made.failures = failures;
  made.min_calls = 10;
  made.cooldown = 5s;
  made.probes = probes;
  return made;
}

class Breaking : public testing::Test {
 protected:
  Turn call(CallEnd how) { return breaker.end(breaker.ask(now), how, now); }
  Turn calls(int count, CallEnd how) {
    Turn last = Turn::none;
    for (int i = 0; i < count; ++i) last = call(how);
    return last;
  }

  TimePoint now{1000s};
  Breaker breaker{rules(kNoRow, 2)};
};

TEST_F(Breaking, OpensWhenHalfOfTheCallsFail) {
  calls(6, CallEnd::good);
  EXPECT_EQ(calls(5, CallEnd::failed), Turn::none);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  EXPECT_EQ(call(CallEnd::failed), Turn::error_rate);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
  EXPECT_EQ(breaker.ask(now), Breaker::Pass::none);
  EXPECT_EQ(breaker.cools_until(), now + 5s);
}

TEST_F(Breaking, OpensWhenMostCallsAreSlow) {
  calls(2, CallEnd::good);
  EXPECT_EQ(calls(7, CallEnd::slow), Turn::none);
  EXPECT_EQ(call(CallEnd::slow), Turn::slow_rate);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
}

TEST_F(Breaking, FewCallsDecideNothingButARowOfFailures) {
  calls(9, CallEnd::failed);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  Breaker strict{rules(3, 1)};
  for (const CallEnd how : {CallEnd::failed, CallEnd::failed, CallEnd::good, CallEnd::failed, CallEnd::failed})
    strict.end(strict.ask(now), how, now);
  EXPECT_EQ(strict.state(now), BreakerState::closed);
  EXPECT_EQ(strict.end(strict.ask(now), CallEnd::failed, now), Turn::failures);
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
  calls(9, CallEnd::failed);
  calls(100, CallEnd::none);
  EXPECT_EQ(breaker.rates(now).calls, 9U);
  EXPECT_EQ(call(CallEnd::failed), Turn::error_rate);
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
  EXPECT_EQ(breaker.end(first, CallEnd::good, now), Turn::none);
  EXPECT_EQ(breaker.state(now), BreakerState::half_open);
  EXPECT_EQ(breaker.end(second, CallEnd::good, now), Turn::back);
  EXPECT_EQ(breaker.state(now), BreakerState::closed);
  EXPECT_EQ(breaker.rates(now).calls, 0U) << "what was before is over";
}

TEST_F(Breaking, ProbeThatSaysNothingLeavesItsPlace) {
  calls(10, CallEnd::failed);
  now += 5s;
  const Breaker::Pass first = breaker.ask(now);
  const Breaker::Pass second = breaker.ask(now);
  ASSERT_EQ(breaker.ask(now), Breaker::Pass::none);
  breaker.end(first, CallEnd::none, now);
  EXPECT_EQ(breaker.ask(now), Breaker::Pass::probe);
  breaker.end(second, CallEnd::none, now);
}

TEST_F(Breaking, EachFailedProbeDoublesTheCoolDownUpToItsMaximum) {
  calls(10, CallEnd::failed);
  for (const Duration cooldown : {10s, 20s, 40s, 60s, 60s}) {
    now = breaker.cools_until();
    EXPECT_EQ(call(CallEnd::failed), Turn::probe);
    EXPECT_EQ(breaker.cools_until(), now + cooldown);
  }
  now = breaker.cools_until();
  EXPECT_EQ(calls(2, CallEnd::good), Turn::back);
  calls(10, CallEnd::failed);
  EXPECT_EQ(breaker.cools_until(), now + 5s) << "and a good end resets it";
}

TEST_F(Breaking, CoolDownLongerThanItsMaximumStaysAsLong) {
  config::Health odd = rules(1, 1);
  odd.max_cooldown = 1s;
  Breaker strict{odd};
  strict.end(strict.ask(now), CallEnd::failed, now);
  now += 5s;
  strict.end(strict.ask(now), CallEnd::failed, now);
  EXPECT_EQ(strict.cools_until(), now + 5s);
}

TEST_F(Breaking, SlowProbeIsNoGoodOne) {
  calls(10, CallEnd::failed);
  now += 5s;
  EXPECT_EQ(call(CallEnd::slow), Turn::probe);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
}

TEST_F(Breaking, BusyAnswerToAProbeMeansItLives) {
  Breaker strict{rules(1, 1)};
  strict.end(strict.ask(now), CallEnd::failed, now);
  now += 5s;
  EXPECT_EQ(strict.end(strict.ask(now), CallEnd::busy, now), Turn::back);
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

TEST_F(Breaking, ForcedCallsGoThroughAnOpenBreakerAndGoodOnesCloseIt) {
  calls(10, CallEnd::failed);
  const TimePoint until = breaker.cools_until();
  const Breaker::Pass first = breaker.force();
  const Breaker::Pass second = breaker.force();
  const Breaker::Pass third = breaker.force();
  EXPECT_EQ(third, Breaker::Pass::normal) << "beyond the probes: allowed, but decides nothing";
  EXPECT_EQ(breaker.end(first, CallEnd::failed, now + 1s), Turn::none);
  EXPECT_EQ(breaker.cools_until(), until) << "it was known to be bad";
  EXPECT_EQ(breaker.end(third, CallEnd::good, now + 1s), Turn::none);
  EXPECT_EQ(breaker.end(second, CallEnd::good, now + 1s), Turn::none);
  EXPECT_EQ(breaker.end(breaker.force(), CallEnd::good, now + 1s), Turn::back);
}

TEST_F(Breaking, EjectionOpensAClosedOneOnly) {
  EXPECT_EQ(breaker.eject(now), Turn::outlier);
  EXPECT_EQ(breaker.state(now), BreakerState::open);
  const TimePoint until = breaker.cools_until();
  EXPECT_EQ(breaker.eject(now + 1s), Turn::none);
  EXPECT_EQ(breaker.cools_until(), until);
}

TEST_F(Breaking, ProbesNeverExceedTheirNumberAndEndAtZero) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random{seed};
    Breaker any{rules(3, 2)};
    std::vector<Breaker::Pass> open;
    for (int i = 0; i < 5000; ++i) {
      now += Duration{static_cast<Duration::rep>(random.unit() * 1e9)};
      if (random.next() % 2 == 0) {
        const Breaker::Pass pass = random.next() % 4 == 0 ? any.force() : any.ask(now);
        if (pass != Breaker::Pass::none) open.push_back(pass);
      } else if (!open.empty()) {
        const std::size_t which = random.next() % open.size();
        any.end(open[which], static_cast<CallEnd>(random.next() % 5), now);
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
}  // namespace intragate::upstream

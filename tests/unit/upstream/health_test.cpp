#include "upstream/health.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace intragate::upstream {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1000s};

config::Health rules(std::uint32_t failures = 3, std::uint32_t probes = 1) {
  config::Health made;
  made.failures = failures;
  made.probes = probes;
  return made;
}

Turn report(Health& health, CallEnd how, TimePoint now) {
  return health.force().report(how, now);
}

void make_sick(Health& health, TimePoint now) {
  while (health.usable(now)) report(health, CallEnd::failed, now);
}

TEST(Health, CoolsDownAfterFailuresInARowOnly) {
  Health health{rules()};
  for (const CallEnd how : {CallEnd::failed, CallEnd::failed, CallEnd::good, CallEnd::failed, CallEnd::failed})
    report(health, how, kNow);
  EXPECT_TRUE(health.usable(kNow));
  EXPECT_EQ(report(health, CallEnd::failed, kNow), Turn::failures);
  EXPECT_FALSE(health.usable(kNow));
  EXPECT_EQ(health.state(kNow), BreakerState::open);
  EXPECT_FALSE(health.ask(kNow));
  EXPECT_EQ(health.state(kNow + 10s - 1ns), BreakerState::open);
  EXPECT_EQ(health.state(kNow + 10s), BreakerState::half_open);
}

TEST(Health, LetsOneCallProbeWhenTheCoolDownIsOver) {
  Health health{rules()};
  make_sick(health, kNow);
  const TimePoint due = kNow + 10s;
  ASSERT_TRUE(health.usable(due));
  Health::Trial probe = health.ask(due);
  EXPECT_TRUE(probe.is_probe());
  EXPECT_FALSE(health.usable(due)) << "others go elsewhere meanwhile";
  EXPECT_FALSE(health.ask(due));
  EXPECT_EQ(probe.report(CallEnd::good, due), Turn::back);
  EXPECT_EQ(health.state(due), BreakerState::closed);
}

TEST(Health, ProbeThatEndsWithoutAWordLeavesItsPlaceToAnother) {
  Health health{rules()};
  make_sick(health, kNow);
  const TimePoint due = kNow + 10s;
  {
    const Health::Trial abandoned = health.ask(due);
    ASSERT_TRUE(abandoned.is_probe());
  }
  EXPECT_TRUE(health.usable(due));
  EXPECT_EQ(health.ask(due).report(CallEnd::none, due), Turn::none);
  EXPECT_TRUE(health.ask(due).is_probe());
}

TEST(Health, MovedTrialHoldsTheProbeOnce) {
  Health health{rules()};
  make_sick(health, kNow);
  const TimePoint due = kNow + 10s;
  Health::Trial first = health.ask(due);
  Health::Trial second = std::move(first);
  first = Health::Trial{};
  EXPECT_FALSE(health.usable(due));
  second = Health::Trial{};
  EXPECT_TRUE(health.usable(due));
}

TEST(Health, SecondReportOfATrialIsIgnored) {
  Health health{rules(2)};
  Health::Trial trial = health.ask(kNow);
  trial.report(CallEnd::failed, kNow);
  trial.report(CallEnd::failed, kNow);
  EXPECT_TRUE(health.usable(kNow));
}

TEST(Health, AnswerThatBreaksLaterIsAFailureAfterAll) {
  Health health{rules(1)};
  report(health, CallEnd::good, kNow);
  EXPECT_EQ(health.broke(kNow), Turn::failures);
  EXPECT_EQ(health.state(kNow), BreakerState::open);
}

TEST(Health, CallersFaultsAndOurOwnCountNeitherWay) {
  for (const int status : {400, 401, 403, 404, 408, 409, 413, 415, 422}) {
    Health health{rules(2)};
    report(health, CallEnd::failed, kNow);
    report(health, call_end(status), kNow);
    EXPECT_EQ(health.rates(kNow).calls, 1U) << status;
    EXPECT_EQ(report(health, CallEnd::failed, kNow), Turn::failures) << status << " is no good answer either";
  }
}

TEST(Health, BusyEndpointStaysButCountsAsLoaded) {
  Health health{rules(1)};
  report(health, call_end(429), kNow);
  report(health, call_end(429), kNow);
  EXPECT_TRUE(health.usable(kNow));
  EXPECT_EQ(health.recent_failures(kNow), 2U);
}

TEST(Health, ForgetsFailuresAfterAGoodAnswerOrTheCoolDownsLength) {
  Health health{rules()};
  report(health, CallEnd::failed, kNow);
  EXPECT_EQ(health.recent_failures(kNow + 10s), 1U);
  EXPECT_EQ(health.recent_failures(kNow + 10s + 1ns), 0U);
  report(health, CallEnd::good, kNow);
  EXPECT_EQ(health.recent_failures(kNow), 0U);
}

TEST(Health, ServersFaultsAndErrorsOfTheWayAreFailures) {
  for (const int status : {500, 501, 502, 503, 504, 599}) EXPECT_EQ(call_end(status), CallEnd::failed) << status;
  for (const int status : {200, 201}) EXPECT_EQ(call_end(status), CallEnd::good) << status;
  EXPECT_EQ(call_end(make_error(Code::upstream_unreachable, "")), CallEnd::failed);
  EXPECT_EQ(call_end(make_error(Code::upstream_timeout, "")), CallEnd::failed);
  EXPECT_EQ(call_end(make_error(Code::upstream_broke, "").retrying(Retry::fresh_connection)), CallEnd::none);
  EXPECT_EQ(call_end(make_error(Code::client_gone, "")), CallEnd::none);
  EXPECT_EQ(call_end(make_error(Code::egress_denied, "")), CallEnd::none);
}

TEST(Health, ShareGrowsAfterItCameBack) {
  Health health{rules()};
  EXPECT_EQ(health.share(kNow), 100U);
  make_sick(health, kNow);
  const TimePoint back = kNow + 10s;
  ASSERT_EQ(health.ask(back).report(CallEnd::good, back), Turn::back);
  EXPECT_EQ(health.share(back), 10U);
  EXPECT_EQ(health.share(back + 5s), 50U);
  EXPECT_EQ(health.share(back + 10s), 100U);
  EXPECT_EQ(health.share(back - 1s), 10U) << "a loop whose clock is a moment behind";
}

TEST(Health, SlowStartCanBeTurnedOff) {
  config::Health at_once;
  at_once.slow_start = 0s;
  Health health{at_once};
  health.warm_up(kNow);
  EXPECT_EQ(health.share(kNow), 100U);
}

TEST(Health, OfManyThreadsAsManyProbeAsMay) {
  for (const std::uint32_t permitted : {1U, 2U}) {
    Health health{rules(3, permitted)};
    make_sick(health, kNow);
    for (int round = 0; round < 200; ++round) {
      std::atomic<std::uint32_t> probes{0};
      std::atomic<std::uint32_t> passes{0};
      std::atomic<int> begun{0};
      std::vector<std::thread> threads;
      for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
          const Health::Trial trial = health.ask(kNow + 10s);
          if (trial.is_probe()) ++probes;
          if (trial) ++passes;
          ++begun;
          while (begun < 4) std::this_thread::yield();  // all hold theirs at the same time
        });
      }
      for (std::thread& thread : threads) thread.join();
      ASSERT_EQ(probes, permitted);
      ASSERT_EQ(passes, permitted);
    }
  }
}

}  // namespace
}  // namespace intragate::upstream

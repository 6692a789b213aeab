#include "upstream/health.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace intragate::upstream {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1000s};
const config::Health kPolicy{.failures = 3, .cooldown = 10s};

void report(Health& health, Evidence evidence, TimePoint now) {
  health.begin(now).report(evidence, now);
}

void make_sick(Health& health, TimePoint now) {
  for (std::uint32_t i = 0; i < kPolicy.failures; ++i) report(health, Evidence::sick, now);
}

TEST(Health, CoolsDownAfterConsecutiveFailuresOnly) {
  Health health{kPolicy};
  report(health, Evidence::sick, kNow);
  report(health, Evidence::sick, kNow);
  report(health, Evidence::healthy, kNow);
  report(health, Evidence::sick, kNow);
  report(health, Evidence::sick, kNow);
  EXPECT_TRUE(health.open(kNow));
  EXPECT_FALSE(health.cools_until());
  report(health, Evidence::sick, kNow);
  EXPECT_FALSE(health.open(kNow));
  EXPECT_EQ(health.cools_until(), kNow + 10s);
  EXPECT_FALSE(health.open(kNow + 10s - 1ns));
}

TEST(Health, LetsOneCallProbeWhenTheCoolDownIsOver) {
  Health health{kPolicy};
  make_sick(health, kNow);
  const TimePoint due = kNow + 10s;
  ASSERT_TRUE(health.open(due));
  Health::Trial probe = health.begin(due);
  EXPECT_TRUE(probe.is_probe());
  EXPECT_FALSE(health.open(due)) << "others go elsewhere meanwhile";
  EXPECT_FALSE(health.begin(due).is_probe());
  probe.report(Evidence::healthy, due);
  EXPECT_TRUE(health.open(due));
  EXPECT_FALSE(health.cools_until());
}

TEST(Health, OneFailedProbeIsEnoughForAnotherCoolDown) {
  Health health{kPolicy};
  make_sick(health, kNow);
  health.begin(kNow + 10s).report(Evidence::sick, kNow + 11s);
  EXPECT_EQ(health.cools_until(), kNow + 21s);
  EXPECT_FALSE(health.open(kNow + 20s));
  EXPECT_TRUE(health.open(kNow + 21s));
}

TEST(Health, ProbeThatEndsWithoutEvidenceLeavesItsPlaceToAnother) {
  Health health{kPolicy};
  make_sick(health, kNow);
  const TimePoint due = kNow + 10s;
  {
    const Health::Trial abandoned = health.begin(due);
    EXPECT_TRUE(abandoned.is_probe());
  }
  health.begin(due).report(Evidence::none, due);
  EXPECT_TRUE(health.begin(due).is_probe());
}

TEST(Health, MovedTrialHoldsTheProbeOnce) {
  Health health{kPolicy};
  make_sick(health, kNow);
  const TimePoint due = kNow + 10s;
  Health::Trial first = health.begin(due);
  Health::Trial second = std::move(first);
  first = Health::Trial{};
  EXPECT_FALSE(health.open(due));
  second = Health::Trial{};
  EXPECT_TRUE(health.open(due));
}

TEST(Health, SecondReportOfATrialIsIgnored) {
  Health health{{.failures = 2, .cooldown = 10s}};
  Health::Trial trial = health.begin(kNow);
  trial.report(Evidence::sick, kNow);
  trial.report(Evidence::sick, kNow);
  EXPECT_TRUE(health.open(kNow));
}

TEST(Health, CallersFaultNeverHurts) {
  for (const int status : {400, 401, 403, 404, 408, 409, 413, 415, 422}) {
    Health health{{.failures = 1, .cooldown = 10s}};
    report(health, evidence_of_status(status), kNow);
    EXPECT_TRUE(health.open(kNow)) << status;
    EXPECT_EQ(health.recent_failures(kNow), 0U) << status;
  }
}

TEST(Health, BusyEndpointStaysButCountsAsLoaded) {
  Health health{{.failures = 1, .cooldown = 10s}};
  report(health, evidence_of_status(429), kNow);
  report(health, evidence_of_status(429), kNow);
  EXPECT_TRUE(health.open(kNow));
  EXPECT_EQ(health.recent_failures(kNow), 2U);
}

TEST(Health, BusyAnswerToAProbeMeansItLives) {
  Health health{kPolicy};
  make_sick(health, kNow);
  report(health, Evidence::busy, kNow + 10s);
  EXPECT_TRUE(health.open(kNow + 10s));
}

TEST(Health, ForgetsFailuresAfterAGoodAnswerOrTheCoolDownsLength) {
  Health health{kPolicy};
  report(health, Evidence::sick, kNow);
  EXPECT_EQ(health.recent_failures(kNow + 10s), 1U);
  EXPECT_EQ(health.recent_failures(kNow + 10s + 1ns), 0U);
  report(health, Evidence::sick, kNow);
  report(health, Evidence::healthy, kNow);
  EXPECT_EQ(health.recent_failures(kNow), 0U);
}

TEST(Health, ServersFaultsAndErrorsOfTheWayAreSick) {
  for (const int status : {500, 501, 502, 503, 504, 599})
    EXPECT_EQ(evidence_of_status(status), Evidence::sick) << status;
  for (const int status : {200, 201, 404}) EXPECT_EQ(evidence_of_status(status), Evidence::healthy) << status;
  EXPECT_EQ(evidence_of(make_error(Code::upstream_unreachable, "")), Evidence::sick);
  EXPECT_EQ(evidence_of(make_error(Code::upstream_timeout, "")), Evidence::sick);
  EXPECT_EQ(evidence_of(make_error(Code::upstream_broke, "").retrying(Retry::fresh_connection)), Evidence::none);
  EXPECT_EQ(evidence_of(make_error(Code::client_gone, "")), Evidence::none);
  EXPECT_EQ(evidence_of(make_error(Code::egress_denied, "")), Evidence::none);
}

TEST(Health, OfManyThreadsOneGetsTheProbe) {
  Health health{kPolicy};
  make_sick(health, kNow);
  for (int round = 0; round < 200; ++round) {
    std::atomic<int> probes{0};
    std::atomic<int> begun{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        const Health::Trial trial = health.begin(kNow + 10s);
        if (trial.is_probe()) ++probes;
        ++begun;
        while (begun < 4) std::this_thread::yield();  // all hold theirs at the same time
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(probes, 1);
  }
}

}  // namespace
}  // namespace intragate::upstream

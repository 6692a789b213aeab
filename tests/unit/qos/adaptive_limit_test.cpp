#include "qos/adaptive_limit.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace intragate::qos {
namespace {

using namespace std::chrono_literals;

// A model that works on `knee` calls at once without getting slower, and shares its pace among more.
class AdaptiveLimiting : public testing::Test {
 protected:
  // Calls end one by one, with so many in flight as there is demand and the limit allows.
  void work(Duration time, std::uint32_t demand = 1000) {
    for (const TimePoint end = now + time; now < end;) {
      const std::uint32_t in_flight = std::max(1U, std::min(demand, limit.limit(now)));
      const double slow = pace * std::max(1.0, in_flight / knee) * (0.8 + 0.4 * random.unit());
      const std::uint64_t prompt = 100 + random.next() % 4000;
      limit.count({.first_byte = Duration{static_cast<Duration::rep>(slow * 1e5 * static_cast<double>(prompt + 256))},
                   .prompt_tokens = prompt,
                   .between_tokens = Duration{static_cast<Duration::rep>(slow * 2e7)},
                   .in_flight = in_flight},
                  now);
      now += Duration{static_cast<Duration::rep>(slow * 4e9 / in_flight)};
    }
  }

  double knee = 32;
  double pace = 1;
  Random random{5};
  TimePoint now{1000s};
  AdaptiveLimit limit{{.min = 2, .max = 200, .initial = 8}};
};

TEST_F(AdaptiveLimiting, LimitGrowsToTheKneeAndNotFarBeyond) {
  work(10min);
  EXPECT_GE(limit.limit(now), 32U);
  EXPECT_LE(limit.limit(now), 80U);
}

TEST_F(AdaptiveLimiting, EndlessLoadDoesNotPassForNormal) {
  for (int hour = 0; hour < 24; ++hour) {
    work(1h);
    EXPECT_LE(limit.limit(now), 80U) << hour;
    EXPECT_GE(limit.limit(now), 16U) << hour;
  }
}

TEST_F(AdaptiveLimiting, FollowsAModelThatGetsSlower) {
  work(10min);
  const std::uint32_t before = limit.limit(now);
  knee = 8;
  work(15min);
  EXPECT_LT(limit.limit(now), before / 2);
  knee = 64;
  work(30min);
  EXPECT_GT(limit.limit(now), before);
}

TEST_F(AdaptiveLimiting, EndpointThatIsSlowerForGoodIsNotHeldDownForEver) {
  work(10min);
  pace = 3;  // another model, a weaker GPU
  work(2h);
  EXPECT_GE(limit.limit(now), 32U);
  EXPECT_LE(limit.limit(now), 80U);
}

TEST_F(AdaptiveLimiting, LittleDemandTeachesNothingAboutMore) {
  work(10min, 3);
  EXPECT_LE(limit.limit(now), 8U);
  EXPECT_GE(limit.limit(now), 4U);
}

TEST_F(AdaptiveLimiting, StaysWithinItsBounds) {
  knee = 10'000;
  work(30min);
  EXPECT_EQ(limit.limit(now), 200U);
  for (int i = 0; i < 100; ++i) limit.overloaded(now += 6s);
  EXPECT_EQ(limit.limit(now), 2U);
}

TEST_F(AdaptiveLimiting, OverloadCutsItOnceInAWhile) {
  work(10min);
  const std::uint32_t before = limit.limit(now);
  for (int i = 0; i < 50; ++i) limit.overloaded(now);
  EXPECT_NEAR(limit.limit(now), before * 0.7, 1);
}

TEST_F(AdaptiveLimiting, LimitThatIsHeldMayShrinkButNotGrow) {
  limit.hold(true);
  work(10min);
  EXPECT_LE(limit.limit(now), 8U);
  limit.hold(false);
  work(10min);
  EXPECT_GE(limit.limit(now), 32U);
  limit.hold(true);
  knee = 8;
  work(15min);
  EXPECT_LT(limit.limit(now), 24U);
}

TEST_F(AdaptiveLimiting, AnotherUpperBoundHoldsAtOnce) {
  work(10min);
  limit.set_max(6);
  EXPECT_EQ(limit.limit(now), 6U);
  limit.set_max(0);
  EXPECT_EQ(limit.limit(now), 2U) << "never below the lower one";
}

TEST(AdaptiveLimit, NonsenseBoundsStillGiveALimit) {
  const AdaptiveLimit limit{{.min = 0, .max = 0, .initial = 0}};
  EXPECT_EQ(limit.limit(TimePoint{1s}), 1U);
}

}  // namespace
}  // namespace intragate::qos

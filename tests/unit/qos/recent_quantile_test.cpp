#include "qos/recent_quantile.h"

#include <gtest/gtest.h>

namespace intragate::qos {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class RecentQuantiles : public ::testing::Test {
 protected:
  void count(int times, Duration value, Duration apart = milliseconds{10}) {
    for (int i = 0; i < times; ++i) recent.count(value, now += apart);
  }
  [[nodiscard]] double p95_ms() const {
    const std::optional<Duration> value = recent.value(0.95, now);
    return value ? std::chrono::duration<double, std::milli>(*value).count() : -1;
  }

  RecentQuantile recent;
  TimePoint now{hours{1}};
};

TEST_F(RecentQuantiles, SaysNothingBeforeTwentyValues) {
  count(19, milliseconds{100});
  EXPECT_EQ(p95_ms(), -1);
  count(1, milliseconds{100});
  EXPECT_NE(p95_ms(), -1);
}

TEST_F(RecentQuantiles, LiesWithinAStepAboveTheTrueOne) {
  for (int i = 1; i <= 1000; ++i) count(1, milliseconds{i * 7 % 1000 + 1});
  EXPECT_GE(p95_ms(), 930);
  EXPECT_LE(p95_ms(), 1040);
}

TEST_F(RecentQuantiles, IsNotMovedByOneInAHundred) {
  count(99, milliseconds{100});
  count(1, seconds{60});
  EXPECT_LT(p95_ms(), 110);
}

TEST_F(RecentQuantiles, FollowsAModelThatBecameSlower) {
  count(1000, milliseconds{100});
  count(200, seconds{2});
  EXPECT_GT(p95_ms(), 1900);
}

TEST_F(RecentQuantiles, ForgetsABadHour) {
  count(1000, seconds{30});
  count(5000, milliseconds{100});
  EXPECT_LT(p95_ms(), 110);
}

TEST_F(RecentQuantiles, SaysNothingOfWhatIsLongAgo) {
  count(30, milliseconds{100});
  now += hours{2};
  EXPECT_EQ(p95_ms(), -1);
  count(20, milliseconds{500});
  EXPECT_GT(p95_ms(), 450);
}

TEST_F(RecentQuantiles, SurvivesYearsOfSilenceAndClocksThatStandStill) {
  count(30, milliseconds{100});
  now += hours{24 * 3650};
  count(30, milliseconds{200});
  EXPECT_GT(p95_ms(), 180);
  count(200'000, milliseconds{50}, Duration{});
  EXPECT_LT(p95_ms(), 60);
  now -= minutes{5};
  count(30, milliseconds{50}, Duration{});
  EXPECT_LT(p95_ms(), 60);
}

TEST_F(RecentQuantiles, TakesTheEndsOfItsScale) {
  count(30, Duration{});
  EXPECT_LE(p95_ms(), 1.1);
  count(3000, hours{5});
  EXPECT_GT(p95_ms(), 600'000);
}

}  // namespace
}  // namespace intragate::qos

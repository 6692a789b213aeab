#include "qos/gcra.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

#include "base/random.h"

namespace intragate::qos {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1000s};
constexpr Rate kPerMinute{.limit = 60, .period = 60s};

TEST(Gcra, GivesTheWholeLimitToOneWhoWasIdleAndThenRefuses) {
  Gcra rate;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(rate.fits(kPerMinute, 1, kNow)) << i;
    rate.take(kPerMinute, 1, kNow);
    EXPECT_EQ(rate.remaining(kPerMinute, kNow), 59U - i);
  }
  EXPECT_FALSE(rate.fits(kPerMinute, 1, kNow));
  EXPECT_EQ(rate.retry_after(kPerMinute, 1, kNow), 1s);
  EXPECT_EQ(rate.reset(kNow), 60s);
}

TEST(Gcra, RefillsEvenlyAndNotAtTheMinutesEdge) {
  Gcra rate;
  rate.take(kPerMinute, 60, kNow);
  for (int second = 1; second <= 60; ++second) {
    const TimePoint at = kNow + std::chrono::seconds{second};
    EXPECT_FALSE(rate.fits(kPerMinute, 1, at - 1ns)) << second;
    ASSERT_TRUE(rate.fits(kPerMinute, 1, at)) << second;
    rate.take(kPerMinute, 1, at);
  }
}

TEST(Gcra, RetryAfterIsExact) {
  for (const std::uint64_t limit : {1U, 7U, 60U, 1000U, 100'000U}) {
    const Rate rate{.limit = limit, .period = 60s};
    Gcra used;
    used.take(rate, limit, kNow);
    const Duration pause = used.retry_after(rate, 1, kNow);
    EXPECT_TRUE(used.fits(rate, 1, kNow + pause)) << limit;
    EXPECT_FALSE(used.fits(rate, 1, kNow + pause - 1ns)) << limit;
  }
}

TEST(Gcra, WholeLimitFitsWhateverItsNumber) {
  for (std::uint64_t limit = 1; limit < 2000; ++limit) {
    const Rate rate{.limit = limit, .period = 60s};
    Gcra used;
    for (std::uint64_t i = 0; i < limit; ++i) {
      ASSERT_TRUE(used.fits(rate, 1, kNow)) << limit;
      used.take(rate, 1, kNow);
    }
    EXPECT_FALSE(used.fits(rate, 1, kNow)) << limit;
  }
}

TEST(Gcra, CostAboveTheLimitPassesWhenNothingIsTaken) {
  Gcra rate;
  ASSERT_TRUE(rate.fits(kPerMinute, 1000, kNow));
  rate.take(kPerMinute, 1000, kNow);
  EXPECT_EQ(rate.reset(kNow), 1000s) << "all of it is owed";
  EXPECT_FALSE(rate.fits(kPerMinute, 1, kNow + 940s));
  EXPECT_TRUE(rate.fits(kPerMinute, 1, kNow + 941s));
}

TEST(Gcra, CorrectionGivesBackWhatWasNotUsed) {
  Gcra rate;
  rate.take(kPerMinute, 50, kNow);
  rate.correct(kPerMinute, -40, kNow);
  EXPECT_EQ(rate.remaining(kPerMinute, kNow), 50U);
}

TEST(Gcra, CorrectionNeverSavesUpMoreThanTheLimit) {
  Gcra rate;
  rate.take(kPerMinute, 10, kNow);
  rate.correct(kPerMinute, -40, kNow + 55s);
  EXPECT_EQ(rate.remaining(kPerMinute, kNow + 55s), 60U);
  EXPECT_TRUE(rate.idle(kNow + 55s));
}

TEST(Gcra, OveruseIsOwedButNotForEver) {
  Gcra rate;
  for (int i = 0; i < 100; ++i) rate.correct(kPerMinute, 1'000'000'000, kNow);
  EXPECT_EQ(rate.remaining(kPerMinute, kNow), 0U);
  EXPECT_EQ(rate.reset(kNow), 1h);
  EXPECT_TRUE(rate.fits(kPerMinute, 1, kNow + 59min + 1s));
}

TEST(Gcra, CallsThatTurnOutLongGetTheRateInAnHourToo) {
  constexpr Rate kTokens{.limit = 1000, .period = 60s};
  Gcra rate;
  std::uint64_t used = 0;
  for (TimePoint now = kNow; now < kNow + 1h; now += 1s) {
    if (!rate.fits(kTokens, 300, now)) continue;
    rate.take(kTokens, 300, now);
    rate.correct(kTokens, 10'000 - 300, now);
    used += 10'000;
  }
  EXPECT_LE(used, 60'000U + 10'000U);
}

TEST(Gcra, NewLimitGoesOnFromWhatIsOwed) {
  Gcra rate;
  rate.take(kPerMinute, 60, kNow);
  const Rate generous{.limit = 600, .period = 60s};
  EXPECT_FALSE(rate.fits(generous, 1, kNow));
  EXPECT_TRUE(rate.fits(generous, 1, kNow + 100ms));
}

TEST(Gcra, HugeNumbersDoNotOverflow) {
  const Rate huge{.limit = 4'000'000'000'000ULL, .period = 60s};
  Gcra rate;
  rate.take(huge, 4'000'000'000'000ULL, kNow);
  EXPECT_EQ(rate.remaining(huge, kNow), 0U);
  EXPECT_EQ(rate.remaining(huge, kNow + 30s), 2'000'000'000'000ULL);
}

// In any minute at most the limit and what comes back in it; over all time the rate.
TEST(Gcra, AnyMinuteHoldsAtMostTwiceTheLimitAndAnHourTheRate) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Random random{seed};
    Gcra rate;
    std::deque<std::pair<TimePoint, std::uint64_t>> recent;
    TimePoint now = kNow;
    std::uint64_t total = 0;
    std::uint64_t in_minute = 0;
    while (now < kNow + 1h) {
      now += Duration{static_cast<Duration::rep>(random.unit() * 4e9)};
      const std::uint64_t cost = 1 + random.next() % 10;
      while (!recent.empty() && recent.front().first <= now - 60s) {
        in_minute -= recent.front().second;
        recent.pop_front();
      }
      if (!rate.fits(kPerMinute, cost, now)) continue;
      rate.take(kPerMinute, cost, now);
      recent.emplace_back(now, cost);
      in_minute += cost;
      total += cost;
      ASSERT_LE(in_minute, 120U);
    }
    EXPECT_LE(total, 60U * 60 + 60);
    EXPECT_GE(total, 60U * 60 - 60) << "nor less than the rate while there is demand";
  }
}

}  // namespace
}  // namespace intragate::qos

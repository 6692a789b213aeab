#include "upstream/retry.h"

#include <gtest/gtest.h>

namespace intragate::upstream {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1000s};

class RetryPlanning : public testing::Test {
 protected:
  RetryPlan plan(const FailedAttempt& failed) { return plan_retry(policy, failed, moment, budget); }

  config::RetryPolicy policy{.attempts = 3, .backoff = 200ms, .max_backoff = 5s, .budget_percent = 20};
  RetryMoment moment{.now = kNow, .deadline = {}, .chance = 0.5};
  RetryBudget budget{20};
};

TEST(RetryRule, RepeatsTheseStatusesAndNoOthers) {
  for (int status = 100; status < 600; ++status) {
    const bool expected =
        status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
    EXPECT_EQ(retryable_status(status), expected) << status;
  }
}

TEST(RetryRule, ReadsRetryAfterInSecondsOrAsADate) {
  const WallTime now{784'111'777s};  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_EQ(parse_retry_after("0", now), 0s);
  EXPECT_EQ(parse_retry_after(" 12 ", now), 12s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:07 GMT", now), 30s);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:00:00 GMT", now), 0s) << "a date in the past is now";
  EXPECT_EQ(parse_retry_after("18446744073709551615", now), 24h);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:50:07 GMT", now), 24h);
  for (const char* text : {"", "-1", "1.5", "soon", "99999999999999999999999"})
    EXPECT_FALSE(parse_retry_after(text, now)) << text;
}

TEST(RetryRule, BackoffDoublesUpToItsMaximumWithFullJitter) {
  const config::RetryPolicy policy{.attempts = 10, .backoff = 200ms, .max_backoff = 5s};
  EXPECT_EQ(backoff(policy, 0, 0), 0ms);
  EXPECT_EQ(backoff(policy, 0, 0.5), 100ms);
  EXPECT_EQ(backoff(policy, 1, 0.5), 200ms);
  EXPECT_EQ(backoff(policy, 3, 0.5), 800ms);
  EXPECT_EQ(backoff(policy, 5, 0.5), 2500ms);
  EXPECT_EQ(backoff(policy, 4'000'000'000U, 0.5), 2500ms);
}

TEST_F(RetryPlanning, TriesAgainAfterAPause) {
  const RetryPlan plan = this->plan({.retry = Retry::elsewhere, .attempts = 2});
  EXPECT_EQ(plan.next, NextAttempt::by_choice);
  EXPECT_EQ(plan.pause, 200ms);
}

TEST_F(RetryPlanning, NeverRepeatsACallersFault) {
  const RetryPlan plan = this->plan({.retry = Retry::never});
  EXPECT_EQ(plan.next, NextAttempt::none);
  EXPECT_EQ(plan.reason, WhyNot::pointless);
}

TEST_F(RetryPlanning, EndsAfterTheConfiguredAttempts) {
  EXPECT_EQ(plan({.retry = Retry::elsewhere, .attempts = 2}).next, NextAttempt::by_choice);
  const RetryPlan last = plan({.retry = Retry::elsewhere, .attempts = 3});
  EXPECT_EQ(last.next, NextAttempt::none);
  EXPECT_EQ(last.reason, WhyNot::attempts);
}

TEST_F(RetryPlanning, ReplacesADeadPooledConnectionAtOnceAndForFree) {
  for (int i = 0; i < 100; ++i) {
    const RetryPlan plan = this->plan({.retry = Retry::fresh_connection, .attempts = 3});
    EXPECT_EQ(plan.next, NextAttempt::same_endpoint);
    EXPECT_EQ(plan.pause, 0s);
  }
  EXPECT_EQ(plan({.retry = Retry::elsewhere}).next, NextAttempt::by_choice) << "the budget was not touched";
}

TEST_F(RetryPlanning, WaitsForTheModelsRetryAfterUpToMaxBackoff) {
  EXPECT_EQ(plan({.retry = Retry::elsewhere, .retry_after = 5s}).pause, 5s);
  const RetryPlan longer = plan({.retry = Retry::elsewhere, .retry_after = 6s});
  EXPECT_EQ(longer.next, NextAttempt::none);
  EXPECT_EQ(longer.reason, WhyNot::retry_after);
}

TEST_F(RetryPlanning, DoesNotWaitForOneEndpointWhenAnotherIsLeft) {
  const RetryPlan plan = this->plan({.retry = Retry::elsewhere, .retry_after = 60s, .endpoint_left = true});
  EXPECT_EQ(plan.next, NextAttempt::by_choice);
  EXPECT_EQ(plan.pause, 100ms);
}

TEST_F(RetryPlanning, GivesUpWhenTheDeadlineComesFirst) {
  moment.deadline = Deadline{kNow + 100ms};
  const RetryPlan plan = this->plan({.retry = Retry::elsewhere});
  EXPECT_EQ(plan.next, NextAttempt::none);
  EXPECT_EQ(plan.reason, WhyNot::deadline);
}

TEST_F(RetryPlanning, StopsWhenTheBudgetIsUsedUp) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(plan({.retry = Retry::elsewhere}).next, NextAttempt::by_choice);
  const RetryPlan refused = plan({.retry = Retry::elsewhere});
  EXPECT_EQ(refused.next, NextAttempt::none);
  EXPECT_EQ(refused.reason, WhyNot::budget);
  EXPECT_EQ(why_not_name(refused.reason), "budget");
}

TEST(RetryBudget, IsAShareOfTheCallsOfTheLastTenSeconds) {
  RetryBudget budget{20};
  for (int i = 0; i < 100; ++i) budget.count_call(kNow + std::chrono::milliseconds{i * 50});
  int taken = 0;
  while (budget.take(kNow + 5s)) ++taken;
  EXPECT_EQ(taken, 20);
  EXPECT_FALSE(budget.take(kNow + 9s));
}

TEST(RetryBudget, ForgetsCallsAndRetriesAfterTenSeconds) {
  RetryBudget budget{20};
  for (int i = 0; i < 1000; ++i) budget.count_call(kNow);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(kNow));
  int taken = 0;
  while (budget.take(kNow + 10s)) ++taken;
  EXPECT_EQ(taken, 3) << "the floor, and nothing left of the thousand calls";
  taken = 0;
  while (budget.take(kNow + 25s)) ++taken;
  EXPECT_EQ(taken, 3) << "nor of the last retries";
}

TEST(RetryBudget, ForgetsSecondsThatNothingOverwrote) {
  RetryBudget budget{20};
  for (int i = 0; i < 1000; ++i) budget.count_call(kNow);
  int taken = 0;
  while (budget.take(kNow + 15s)) ++taken;
  EXPECT_EQ(taken, 3);
}

TEST(RetryBudget, OfNothingStillAllowsThree) {
  RetryBudget budget{0};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(kNow));
  EXPECT_FALSE(budget.take(kNow));
}

}  // namespace
}  // namespace intragate::upstream

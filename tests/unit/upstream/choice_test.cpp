#include "upstream/choice.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace intragate::upstream {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1000s};

Candidate busy(std::uint32_t in_flight, std::uint32_t weight = 1) {
  return {.weight = weight, .in_flight = in_flight};
}
Candidate cooling(Duration rest) {
  return {.standing = Standing::cooling, .cools_until = kNow + rest};
}

TEST(LeastBusy, TakesTheOneWithTheFewestCallsPerWeight) {
  Choice choice{config::Balance::least_busy};
  EXPECT_EQ(choice.pick(std::array{busy(3), busy(1), busy(2)}, 0), 1U);
  EXPECT_EQ(choice.pick(std::array{busy(3, 1), busy(7, 4), busy(2, 1)}, 0), 1U);
  EXPECT_EQ(choice.pick(std::array{busy(0, 1), busy(0, 2)}, 0), 1U) << "idle: the stronger one first";
}

TEST(LeastBusy, EqualsShareByChance) {
  Choice choice{config::Balance::least_busy};
  const std::array idle{busy(0), busy(0), busy(0)};
  EXPECT_EQ(choice.pick(idle, 0.0), 0U);
  EXPECT_EQ(choice.pick(idle, 0.5), 1U);
  EXPECT_EQ(choice.pick(idle, 0.99), 2U);
  EXPECT_EQ(choice.pick(std::array{busy(1), busy(0), busy(0)}, 0.0), 1U);
}

TEST(LeastBusy, EndpointThatJustFailedDoesNotDrawAllCalls) {
  Choice choice{config::Balance::least_busy};
  Candidate failing = busy(0);
  failing.recent_failures = 2;
  EXPECT_EQ(choice.pick(std::array{failing, busy(7)}, 0), 1U);
  EXPECT_EQ(choice.pick(std::array{failing, busy(9)}, 0), 0U) << "but gets calls when the others have many";
}

TEST(LeastBusy, FollowsWeightsWhenCallsPileUp) {
  Choice choice{config::Balance::least_busy};
  std::array endpoints{busy(0, 1), busy(0, 3)};
  for (int i = 0; i < 400; ++i) ++endpoints[*choice.pick(endpoints, 0.3)].in_flight;
  EXPECT_EQ(endpoints[0].in_flight, 100U);
  EXPECT_EQ(endpoints[1].in_flight, 300U);
}

TEST(RoundRobin, SpreadsSmoothlyByWeight) {
  Choice choice{config::Balance::round_robin};
  const std::array endpoints{busy(0, 5), busy(0, 1), busy(0, 1)};
  std::string order;
  for (int i = 0; i < 14; ++i) order += static_cast<char>('a' + *choice.pick(endpoints, 0));
  EXPECT_EQ(order, "aabacaaaabacaa");
}

TEST(RoundRobin, LeavesOutWhoCoolsAndStaysFairToTheRest) {
  Choice choice{config::Balance::round_robin};
  const std::array endpoints{busy(0), cooling(5s), busy(0)};
  std::map<std::size_t, int> picked;
  for (int i = 0; i < 10; ++i) ++picked[*choice.pick(endpoints, 0)];
  EXPECT_EQ(picked, (std::map<std::size_t, int>{{0, 5}, {2, 5}}));
}

class EveryBalance : public testing::TestWithParam<config::Balance> {
 protected:
  Choice choice{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Choice, EveryBalance,
                         testing::Values(config::Balance::least_busy, config::Balance::round_robin));

TEST_P(EveryBalance, GoesElsewhereAfterAFailure) {
  Candidate tried = busy(0);
  tried.tried = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choice.pick(std::array{tried, busy(100)}, 0), 1U);
}

TEST_P(EveryBalance, ComesBackToAnOpenEndpointBeforeItWakesACoolingOne) {
  Candidate tried = busy(0);
  tried.tried = true;
  EXPECT_EQ(choice.pick(std::array{cooling(1s), tried}, 0), 1U);
}

TEST_P(EveryBalance, UsesTheOneThatIsDoneSoonestWhenAllCool) {
  EXPECT_EQ(choice.pick(std::array{cooling(9s), cooling(2s), cooling(5s)}, 0.9), 1U);
  Candidate tried = cooling(1s);
  tried.tried = true;
  EXPECT_EQ(choice.pick(std::array{tried, cooling(2s)}, 0), 1U) << "one not tried yet goes first";
}

TEST_P(EveryBalance, NeverUsesWhatIsOut) {
  Candidate out = busy(0);
  out.standing = Standing::out;
  EXPECT_EQ(choice.pick(std::array{out, busy(9)}, 0), 1U);
  EXPECT_EQ(choice.pick(std::array{out, out}, 0), std::nullopt);
  EXPECT_EQ(choice.pick({}, 0), std::nullopt);
}

TEST_P(EveryBalance, StandsChanceAtItsEdge) {
  EXPECT_TRUE(choice.pick(std::array{busy(0), busy(0)}, 1.0));
}

}  // namespace
}  // namespace intragate::upstream

#include "upstream/choice.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "base/hash.h"

namespace intragate::upstream {
namespace {

constexpr Draw kDraw{};

Candidate busy(std::uint32_t in_flight, std::uint32_t weight = 1) {
  return {.weight = weight, .in_flight = in_flight};
}
Candidate cooling(std::uint32_t in_flight = 0) {
  return {.standing = Standing::cooling, .in_flight = in_flight};
}
Candidate at(std::uint64_t point, std::uint32_t in_flight = 0, std::uint32_t weight = 1) {
  return {.weight = weight, .in_flight = in_flight, .point = hash_of({}, point)};
}

TEST(LeastBusy, TakesTheOneWithTheFewestCallsPerWeight) {
  Choice choice{config::Balance::least_busy};
  EXPECT_EQ(choice.pick(std::array{busy(3), busy(1), busy(2)}, kDraw), 1U);
  EXPECT_EQ(choice.pick(std::array{busy(3, 1), busy(7, 4), busy(2, 1)}, kDraw), 1U);
  EXPECT_EQ(choice.pick(std::array{busy(0, 1), busy(0, 2)}, kDraw), 1U) << "idle: the stronger one first";
}

TEST(LeastBusy, EqualsShareByChance) {
  Choice choice{config::Balance::least_busy};
  const std::array idle{busy(0), busy(0), busy(0)};
  EXPECT_EQ(choice.pick(idle, {0.0}), 0U);
  EXPECT_EQ(choice.pick(idle, {0.5}), 1U);
  EXPECT_EQ(choice.pick(idle, {0.99}), 2U);
  EXPECT_EQ(choice.pick(std::array{busy(1), busy(0), busy(0)}, {0.0}), 1U);
}

TEST(LeastBusy, EndpointThatJustFailedDoesNotDrawAllCalls) {
  Choice choice{config::Balance::least_busy};
  Candidate failing = busy(0);
  failing.recent_failures = 2;
  EXPECT_EQ(choice.pick(std::array{failing, busy(7)}, kDraw), 1U);
  EXPECT_EQ(choice.pick(std::array{failing, busy(9)}, kDraw), 0U) << "but gets calls when the others have many";
}

TEST(LeastBusy, FollowsWeightsWhenCallsPileUp) {
  Choice choice{config::Balance::least_busy};
  std::array endpoints{busy(0, 1), busy(0, 3)};
  for (int i = 0; i < 400; ++i) ++endpoints[*choice.pick(endpoints, {0.3})].in_flight;
  EXPECT_EQ(endpoints[0].in_flight, 100U);
  EXPECT_EQ(endpoints[1].in_flight, 300U);
}

TEST(RoundRobin, SpreadsSmoothlyByWeight) {
  Choice choice{config::Balance::round_robin};
  const std::array endpoints{busy(0, 5), busy(0, 1), busy(0, 1)};
  std::string order;
  for (int i = 0; i < 14; ++i) order += static_cast<char>('a' + *choice.pick(endpoints, kDraw));
  EXPECT_EQ(order, "aabacaaaabacaa");
}

TEST(RoundRobin, LeavesOutWhoCoolsAndStaysFairToTheRest) {
  Choice choice{config::Balance::round_robin};
  const std::array endpoints{busy(0), cooling(), busy(0)};
  std::map<std::size_t, int> picked;
  for (int i = 0; i < 10; ++i) ++picked[*choice.pick(endpoints, kDraw)];
  EXPECT_EQ(picked, (std::map<std::size_t, int>{{0, 5}, {2, 5}}));
}

// Where each of many sessions goes.
std::vector<std::size_t> homes(const std::vector<Candidate>& endpoints) {
  Choice choice{config::Balance::session};
  std::vector<std::size_t> found;
  for (std::uint64_t i = 0; i < 4000; ++i) found.push_back(*choice.pick(endpoints, {0, hash_of({}, i + 1000)}));
  return found;
}

std::size_t moved(const std::vector<std::size_t>& before, const std::vector<std::size_t>& after) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < before.size(); ++i) count += before[i] != after[i] ? 1U : 0U;
  return count;
}

TEST(BySession, GoesToTheSameEndpointEachTimeInEveryOrder) {
  const auto there = homes({at(1), at(2), at(3)});
  EXPECT_EQ(there, homes({at(1), at(2), at(3)}));
  const auto turned = homes({at(3), at(2), at(1)});
  for (std::size_t i = 0; i < there.size(); ++i) ASSERT_EQ(there[i], 2 - turned[i]);
}

TEST(BySession, SpreadsByWeight) {
  std::map<std::size_t, int> count;
  for (const std::size_t home : homes({at(1), at(2), at(3, 0, 2)})) ++count[home];
  EXPECT_NEAR(count[0], 1000, 120);
  EXPECT_NEAR(count[1], 1000, 120);
  EXPECT_NEAR(count[2], 2000, 150);
}

TEST(BySession, OnlySessionsOfAnEndpointThatGoesMove) {
  const auto before = homes({at(1), at(2), at(3)});
  Candidate gone = at(2);
  gone.standing = Standing::cooling;
  const auto after = homes({at(1), gone, at(3)});
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_TRUE(before[i] == 1 || after[i] == before[i]);
    ASSERT_NE(after[i], 1U);
  }
}

TEST(BySession, GrowingWeightOnlyDrawsSessionsToItsEndpoint) {
  const auto before = homes({at(1, 0, 100), at(2, 0, 100), at(3, 0, 10)});
  const auto after = homes({at(1, 0, 100), at(2, 0, 100), at(3, 0, 50)});
  EXPECT_GT(moved(before, after), 100U);
  for (std::size_t i = 0; i < before.size(); ++i) {
    ASSERT_TRUE(after[i] == before[i] || after[i] == 2);
  }
}

TEST(BySession, LeavesAnEndpointThatHasMoreThanItsPartOfTheCalls) {
  Choice choice{config::Balance::session};
  std::vector<Candidate> endpoints{at(1), at(2), at(3)};
  const Draw one{0, hash_of({}, 7)};
  const std::size_t home = *choice.pick(endpoints, one);
  std::set<std::size_t> used;
  for (int i = 0; i < 300; ++i) {
    const std::size_t picked = *choice.pick(endpoints, one);
    EXPECT_TRUE(i >= 4 || picked == home) << "a few calls are no load";
    used.insert(picked);
    ++endpoints[picked].in_flight;
    for (const Candidate& endpoint : endpoints) {
      ASSERT_LE(endpoint.in_flight, std::max(4.0, std::ceil(1.25 * (i + 1) / 3.0)));
    }
  }
  EXPECT_EQ(used.size(), 3U);
  EXPECT_EQ(endpoints[home].in_flight, 125U) << "all that it may have";
  endpoints = {at(1, 30), at(2, 30), at(3, 30)};
  EXPECT_EQ(choice.pick(endpoints, one), home) << "as busy as the others: no reason to leave";
}

class EveryBalance : public testing::TestWithParam<config::Balance> {
 protected:
  Choice choice{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Choice, EveryBalance,
                         testing::Values(config::Balance::least_busy, config::Balance::round_robin,
                                         config::Balance::session));

TEST_P(EveryBalance, GoesElsewhereAfterAFailure) {
  Candidate tried = busy(0);
  tried.tried = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choice.pick(std::array{tried, busy(100)}, kDraw), 1U);
}

TEST_P(EveryBalance, ComesBackToAnOpenEndpointBeforeItWakesACoolingOne) {
  Candidate tried = busy(0);
  tried.tried = true;
  EXPECT_EQ(choice.pick(std::array{cooling(), tried}, kDraw), 1U);
}

TEST_P(EveryBalance, TriesOneThatCoolsDownWhenNothingElseIsThere) {
  Candidate tried = cooling();
  tried.tried = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choice.pick(std::array{tried, cooling(9)}, kDraw), 1U) << "not tried: first";
}

TEST_P(EveryBalance, PrefersItsOwnZoneAndSpillsOver) {
  Candidate near = busy(3);
  Candidate far = busy(0);
  far.far = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choice.pick(std::array{far, near}, kDraw), 1U);
  near.tried = true;
  EXPECT_EQ(choice.pick(std::array{far, near}, kDraw), 0U) << "after a failure";
  near = cooling();
  EXPECT_EQ(choice.pick(std::array{far, near}, kDraw), 0U) << "nothing healthy there";
  near.standing = Standing::out;
  EXPECT_EQ(choice.pick(std::array{far, near}, kDraw), 0U) << "no free slot there";
}

TEST_P(EveryBalance, NeverUsesWhatIsOut) {
  Candidate out = busy(0);
  out.standing = Standing::out;
  EXPECT_EQ(choice.pick(std::array{out, busy(9)}, kDraw), 1U);
  EXPECT_EQ(choice.pick(std::array{out, out}, kDraw), std::nullopt);
  EXPECT_EQ(choice.pick({}, kDraw), std::nullopt);
}

TEST_P(EveryBalance, StandsChanceAtItsEdge) {
  EXPECT_TRUE(choice.pick(std::array{busy(0), busy(0)}, {1.0}));
}

}  // namespace
}  // namespace intragate::upstream

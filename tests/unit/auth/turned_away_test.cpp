#include "auth/turned_away.h"

#include <gtest/gtest.h>

namespace intragate::auth {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};

IpAddress numbered(int number) {
  return IpAddress::v4({10, 1, static_cast<std::uint8_t>(number / 256), static_cast<std::uint8_t>(number % 256)});
}

std::uint64_t record(TurnedAway& crowd, const IpAddress& from, int times, TimePoint now = kStart) {
  std::uint64_t own = 0;
  for (int i = 0; i < times; ++i) own += crowd.note(from, now) ? 1U : 0U;
  return own;
}

TEST(TurnedAway, AFewGetRecordsOfTheirOwnAndTheRestIsCounted) {
  TurnedAway crowd;
  EXPECT_EQ(record(crowd, numbered(7), 1000), TurnedAway::kOfOneAddress);
  EXPECT_EQ(record(crowd, numbered(8), 1), 1U) << "another address has its own share";
  EXPECT_FALSE(crowd.take(kStart + 59s)) << "the minute is not over";
  const auto rest = crowd.take(kStart + 60s);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->connections, 1000 - TurnedAway::kOfOneAddress);
  EXPECT_EQ(rest_json(*rest), R"({"connections":970,"addresses":[{"address":"10.1.0.7","connections":970}]})");
  EXPECT_FALSE(crowd.take(kStart + 120s)) << "once";
  EXPECT_EQ(record(crowd, numbered(7), 5, kStart + 61s), 5U) << "a new minute";
  EXPECT_FALSE(crowd.take_all()) << "all have their records";
}

TEST(TurnedAway, AMinuteThatNobodyAskedForYetGoesOn) {
  TurnedAway crowd;
  record(crowd, numbered(7), 40);
  EXPECT_EQ(record(crowd, numbered(7), 10, kStart + 70s), 0U);
  EXPECT_EQ(crowd.take(kStart + 70s)->connections, 20U);
  record(crowd, numbered(7), 5, kStart + 71s);
  EXPECT_EQ(record(crowd, numbered(7), 30, kStart + 140s), 30U) << "nothing was counted: it has ended by itself";
}

TEST(TurnedAway, IPv6AddressesCountByTheirNetwork) {
  TurnedAway crowd;
  std::uint64_t own = 0;
  for (int i = 1; i <= 100; ++i) {
    own += crowd.note(*IpAddress::parse("2001:db8::" + std::to_string(i)), kStart) ? 1U : 0U;
  }
  EXPECT_EQ(own, TurnedAway::kOfOneAddress);
  EXPECT_TRUE(crowd.note(*IpAddress::parse("2001:db8:0:1::1"), kStart));
}

TEST(TurnedAway, ManyAddressesTogetherGetNoMoreEither) {
  TurnedAway crowd;
  std::uint64_t own = 0;
  for (int i = 0; i < 5000; ++i) own += record(crowd, numbered(i), 2);
  EXPECT_EQ(own, TurnedAway::kOfAll);
  const auto rest = crowd.take_all();
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->connections, 10'000 - TurnedAway::kOfAll) << "also of those that are not told apart";
  EXPECT_EQ(rest->sources.size(), TurnedAway::kNamed);
  EXPECT_LT(rest_json(*rest).size(), 2000U);
}

}  // namespace
}  // namespace intragate::auth

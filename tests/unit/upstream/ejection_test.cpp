#include "upstream/ejection.h"

#include <gtest/gtest.h>

#include <vector>

namespace intragate::upstream {
namespace {

Peer failing(std::uint32_t failed_of_100) {
  return {.state = BreakerState::closed, .rates = {.calls = 100, .failed = failed_of_100, .slow = 0}};
}
const Peer kGood = failing(0);
const Peer kOpen{.state = BreakerState::open, .rates = {.calls = 100, .failed = 100, .slow = 0}};

bool ejects(const std::vector<Peer>& peers, std::size_t which = 0) {
  return is_outlier(peers, which, config::Health{});
}

TEST(Ejection, OutlierIsEjectedThoughItsBreakerIsClosed) {
  EXPECT_TRUE(ejects({failing(40), kGood, failing(5)}));
  EXPECT_FALSE(ejects({failing(40), kGood, failing(5)}, 1));
  EXPECT_TRUE(ejects({failing(30), kGood, kGood})) << "the margin itself counts";
  EXPECT_FALSE(ejects({failing(29), kGood, kGood}));
}

TEST(Ejection, WhenAllAreAlikeItIsNotTheirFault) {
  EXPECT_FALSE(ejects({failing(40), failing(40), failing(40)}));
}

TEST(Ejection, OfTwoNobodyCanSay) {
  EXPECT_FALSE(ejects({failing(40), kGood}));
  EXPECT_FALSE(ejects({failing(40), kGood, kOpen})) << "one that is out is no measure";
}

TEST(Ejection, FewCallsMakeNoOutlier) {
  Peer fresh = failing(10);
  fresh.rates.calls = 19;
  EXPECT_FALSE(ejects({fresh, kGood, kGood, kGood}));
}

TEST(Ejection, NeverTakesMoreThanHalfOut) {
  EXPECT_TRUE(ejects({failing(45), kGood, kGood, kGood, kOpen, kOpen})) << "three of six";
  EXPECT_FALSE(ejects({failing(45), kGood, kGood, kOpen, kOpen})) << "three of five";
}

TEST(Ejection, OneThatIsOutAlreadyIsNotEjectedAgain) {
  EXPECT_FALSE(ejects({kOpen, kGood, kGood, kGood}));
}

TEST(Panic, LastEndpointNeverGoesButAWholeZoneMayDie) {
  const config::Health rules;
  EXPECT_TRUE(panics(0, 2, rules));
  EXPECT_TRUE(panics(1, 1, rules)) << "there is nothing to choose";
  EXPECT_TRUE(panics(0, 4, rules));
  EXPECT_FALSE(panics(1, 4, rules));
}

TEST(Panic, BelowTheShareThatMustBeLeft) {
  config::Health careful;
  careful.panic_percent = 50;
  EXPECT_FALSE(panics(1, 2, careful));
  EXPECT_TRUE(panics(1, 3, careful));
}

}  // namespace
}  // namespace intragate::upstream

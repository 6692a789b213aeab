#include "qos/ejection.h"

#include <gtest/gtest.h>

#include <vector>

namespace intragate::qos {
namespace {

EndpointView view(BreakerState state, std::uint32_t failed_of_100 = 0) {
  return {.state = state, .rates = {.calls = 100, .failed = failed_of_100, .slow = 0}};
}
const EndpointView kGood = view(BreakerState::closed);
const EndpointView kOpen = view(BreakerState::open, 100);

std::vector<Part> decide(const std::vector<EndpointView>& endpoints, const EjectionRules& rules = {}) {
  std::vector<Part> parts(endpoints.size());
  decide_parts(endpoints, rules, parts);
  return parts;
}

using Parts = std::vector<Part>;

TEST(Ejection, OpenBreakerTakesItsEndpointOut) {
  EXPECT_EQ(decide({kGood, kOpen}), (Parts{Part::takes, Part::ejected}));
  EXPECT_EQ(decide({view(BreakerState::half_open), kOpen}), (Parts{Part::takes, Part::ejected}));
}

TEST(Ejection, AWholeZoneMayDie) {
  EXPECT_EQ(decide({kOpen, kOpen, kOpen, kGood}), (Parts{Part::ejected, Part::ejected, Part::ejected, Part::takes}));
}

TEST(Ejection, LastEndpointIsNeverEjected) {
  EXPECT_EQ(decide({kOpen}), (Parts{Part::panic}));
  EXPECT_EQ(decide({kOpen, kOpen}), (Parts{Part::panic, Part::panic}));
  EXPECT_EQ(decide({}), Parts{});
}

TEST(Ejection, PanicBelowTheShareThatMustBeLeft) {
  const EjectionRules careful{.panic_percent = 50};
  EXPECT_EQ(decide({kOpen, kGood}, careful), (Parts{Part::ejected, Part::takes}));
  EXPECT_EQ(decide({kOpen, kOpen, kGood}, careful), (Parts{Part::panic, Part::panic, Part::panic}));
}

TEST(Ejection, OutlierIsEjectedThoughItsBreakerIsClosed) {
  const EndpointView bad = view(BreakerState::closed, 40);
  EXPECT_EQ(decide({kGood, bad, view(BreakerState::closed, 5)}), (Parts{Part::takes, Part::ejected, Part::takes}));
  EXPECT_EQ(decide({bad, bad, bad}), (Parts{Part::takes, Part::takes, Part::takes})) << "all alike: not their fault";
  EXPECT_EQ(decide({kGood, bad}), (Parts{Part::takes, Part::takes})) << "of two nobody can say";
}

TEST(Ejection, OutliersNeverTakeMoreThanTheirShareOut) {
  const EndpointView bad = view(BreakerState::closed, 45);
  const EndpointView worse = view(BreakerState::closed, 49);
  const EjectionRules one_in_four{.max_ejected_percent = 25};
  EXPECT_EQ(decide({bad, worse, kGood, kGood, kGood}, one_in_four),
            (Parts{Part::takes, Part::ejected, Part::takes, Part::takes, Part::takes}));
  EXPECT_EQ(decide({bad, kOpen, kGood, kGood, kGood}, one_in_four),
            (Parts{Part::takes, Part::ejected, Part::takes, Part::takes, Part::takes}));
}

TEST(Ejection, FewCallsMakeNoOutlier) {
  EndpointView fresh = view(BreakerState::closed, 2);
  fresh.rates.calls = 4;
  EXPECT_EQ(decide({kGood, kGood, kGood, fresh}), (Parts{Part::takes, Part::takes, Part::takes, Part::takes}));
}

}  // namespace
}  // namespace intragate::qos

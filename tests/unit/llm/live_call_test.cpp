#include "llm/live_call.h"

#include <gtest/gtest.h>

namespace intragate::llm {
namespace {

TEST(CallFilter, MeansEveryCallWhenItSaysNothing) {
  EXPECT_TRUE(CallFilter{}.fits({.id = "r", .key = "k", .user = "u", .model = "m", .endpoint = {}}));
}

TEST(CallFilter, MustFitInAllThatItSays) {
  const LiveCall call{.id = "r", .key = "k", .user = "u", .model = "m", .endpoint = {}};
  EXPECT_TRUE((CallFilter{.id = "r", .user = "u", .key = "k", .model = "m"}.fits(call)));
  EXPECT_FALSE((CallFilter{.id = "x", .user = "u", .key = "k", .model = "m"}.fits(call)));
  EXPECT_FALSE((CallFilter{.id = "r", .user = "x", .key = "k", .model = "m"}.fits(call)));
  EXPECT_FALSE((CallFilter{.id = "r", .user = "u", .key = "x", .model = "m"}.fits(call)));
  EXPECT_FALSE((CallFilter{.id = "r", .user = "u", .key = "k", .model = "x"}.fits(call)));
}

// "u" is neither the beginning of "u2" nor another spelling of "U".
TEST(CallFilter, ComparesWholeNames) {
  EXPECT_FALSE((CallFilter{.id = {}, .user = "u", .key = {}, .model = {}}.fits(
      {.id = {}, .key = {}, .user = "u2", .model = {}, .endpoint = {}})));
  EXPECT_FALSE((CallFilter{.id = {}, .user = "u", .key = {}, .model = {}}.fits(
      {.id = {}, .key = {}, .user = "U", .model = {}, .endpoint = {}})));
}

}  // namespace
}  // namespace intragate::llm

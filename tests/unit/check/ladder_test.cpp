#include "check/ladder.h"

#include <gtest/gtest.h>

namespace intragate::check {
namespace {

using namespace std::chrono_literals;

TEST(Ladder, NamesWhoGivesUpFirst) {
  const GatewayTimeouts gateway{.first_byte = 400s, .between_chunks = 500s, .total = 900s, .key = "models[0].timeouts"};
  EXPECT_NE(first_to_fire(ladder("chat", gateway)).find("Dify's plugin towards the gateway gives up first (300 s"),
            std::string::npos);
  EXPECT_NE(first_to_fire(ladder("embedding", gateway)).find("gives up first (60 s"), std::string::npos);
  const GatewayTimeouts quick{.first_byte = 25s, .between_chunks = 30s, .total = 10min, .key = "models[0].timeouts"};
  EXPECT_NE(first_to_fire(ladder("chat", quick)).find("25 s, models[0].timeouts.first_byte"), std::string::npos);
}

}  // namespace
}  // namespace intragate::check

#include "check/report.h"

#include <gtest/gtest.h>

namespace intragate::check {
namespace {

using namespace std::chrono_literals;

GatewayTimeouts timeouts(Duration first_byte) {
  return {.first_byte = first_byte, .between_chunks = 30s, .total = 10min, .key = "models[].timeouts"};
}

TEST(Report, HasALadderForEachWayThatDiffers) {
  const std::vector<Ladder> ladders = distinct({{{"a/0"}, ladder("chat", timeouts(25s))},
                                                {{"b/0"}, ladder("embedding", timeouts(25s))},
                                                {{"a/1"}, ladder("chat", timeouts(25s))},
                                                {{"c/0"}, ladder("chat", timeouts(90s))}});
  ASSERT_EQ(ladders.size(), 3U);
  EXPECT_EQ(ladders[0].targets, (std::vector<std::string>{"a/0", "a/1"}));
  EXPECT_NE(as_text(ladders[0], false).find("a/0; a/1:"), std::string::npos);
  EXPECT_EQ(as_text(ladders[0], true).find("a/0"), std::string::npos);
  EXPECT_NE(as_json({}, ladders, {}).find(R"("targets":["c/0"])"), std::string::npos);
}

TEST(Report, WritesTheBlockToPaste) {
  Report report;
  report.model = "m";
  report.kind = "chat";
  EXPECT_EQ(models_block(report, {"http://a:1", "", ""}).find("max_concurrency"), std::string::npos);
  report.profile.concurrency = 4;
  const std::string block = models_block(report, {"https://a:1", "${MODEL_KEY}", "/etc/ca.pem"});
  EXPECT_NE(block.find("max_concurrency: 4"), std::string::npos);
  EXPECT_NE(block.find(R"(tls: {ca: "/etc/ca.pem"})"), std::string::npos);
  EXPECT_NE(block.find(R"(key: "${MODEL_KEY}")"), std::string::npos);
}

}  // namespace
}  // namespace intragate::check

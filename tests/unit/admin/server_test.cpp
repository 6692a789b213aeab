#include "admin/server.h"

#include <gtest/gtest.h>

namespace intragate::admin {
namespace {

TEST(Readiness, SaysThatAllIsWell) {
  EXPECT_EQ(readiness_json({.ready = true, .missing = {}}), "{\"ready\":true,\"missing\":{}}\n");
}

TEST(Readiness, NamesWhatIsMissingAlsoWhileTheRestServes) {
  EXPECT_EQ(readiness_json({.ready = true, .missing = {{"model a", "no endpoint has answered yet"}}}),
            "{\"ready\":true,\"missing\":{\"model a\":\"no endpoint has answered yet\"}}\n");
  EXPECT_EQ(readiness_json({.ready = false, .missing = {{"gateway", "is stopping"}, {"model \"b\"", "x"}}}),
            "{\"ready\":false,\"missing\":{\"gateway\":\"is stopping\",\"model \\\"b\\\"\":\"x\"}}\n");
}

}  // namespace
}  // namespace intragate::admin

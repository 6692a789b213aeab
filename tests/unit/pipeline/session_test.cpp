#include "pipeline/session.h"

#include <gtest/gtest.h>

#include "dialect/openai.h"

namespace intragate::pipeline {
namespace {

struct Asked {
  std::string key = "dify";
  std::string header{};
  std::string messages = R"([{"role":"user","content":"hi"}])";
  std::string more{};
};

std::uint64_t session(const Asked& asked) {
  const std::string body = R"({"model":"m",)" + asked.more + R"("messages":)" + asked.messages + "}";
  const Result<llm::Call> call = dialect::openai::understand(llm::Api::chat, body);
  EXPECT_TRUE(call);
  return session_of({asked.key, asked.header, *call, body});
}

const std::string kNextTurn =
    R"([{"role":"user","content":"hi"},{"role":"assistant","content":"hello"},{"role":"user","content":"bye"}])";

TEST(Session, IsTheSameAsTheConversationGoesOn) {
  EXPECT_EQ(session({}), session({.messages = kNextTurn}));
  EXPECT_EQ(session({}), session({.more = R"("stream":true,"temperature":0.2,)"}));
}

TEST(Session, IsAnotherForAnotherBeginningKeyOrUser) {
  EXPECT_NE(session({}), session({.messages = R"([{"role":"user","content":"ho"}])"}));
  EXPECT_NE(session({}), session({.key = "other"}));
  EXPECT_NE(session({}), session({.more = R"("user":"u",)"}));
  EXPECT_NE(session({.more = R"("user":"v",)"}), session({.more = R"("user":"u",)"}));
}

TEST(Session, HeaderAloneDecidesWithinItsKey) {
  EXPECT_EQ(session({.header = "s1"}),
            session({.header = "s1", .messages = R"([{"role":"user","content":"ho"}])", .more = R"("user":"u",)"}));
  EXPECT_NE(session({.header = "s1"}), session({.header = "s2"}));
  EXPECT_NE(session({.header = "s1"}), session({.key = "other", .header = "s1"}));
}

}  // namespace
}  // namespace intragate::pipeline

#include "dialect/known_events.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::dialect {
namespace {

using openai::Mender;

std::string event(std::string_view delta, std::string_view rest = R"(,"finish_reason":null)") {
  return R"({"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":)" + std::string{delta} +
         std::string{rest} + "}]}";
}

// A model's streams, one mender for each.
class Events : public testing::Test {
 protected:
  Mender fresh() const { return Mender{{llm::Api::chat, "id", 1, "m"}}; }
  void read(Mender& mender, const std::string& data) {
    const std::string_view mended = mender.mend_event(data);
    if (mended.data() == data.data()) known_.learn(data, openai::inspect_event(data), mender.trace());
  }
  void learn(const std::string& data) {
    Mender mender = fresh();
    read(mender, data);
  }
  const KnownEvents::Known* find(const std::string& data) { return known_.find(data, first_); }

  KnownEvents known_;
  std::uint8_t first_ = 0;
};

TEST_F(Events, AreKnownWhateverTheTextSays) {
  learn(event(R"({"content":"a"})"));
  for (const char* text : {R"("b")", R"("a longer text, 中文")", R"("\"usage\":{}")", R"("}]}")", R"("\\")"}) {
    const KnownEvents::Known* known = find(event(R"({"content":)" + std::string{text} + "}"));
    ASSERT_NE(known, nullptr) << text;
    EXPECT_TRUE(known->facts.content);
    EXPECT_FALSE(known->facts.usage || known->facts.error || known->facts.done || known->facts.usage_only);
    EXPECT_TRUE(known->facts.text.empty()) << "it would be another event's";
  }
  for (const char* delta : {R"({"content":""})", R"({"content":null})", R"({"reasoning":"a"})", "{}"}) {
    EXPECT_EQ(find(event(delta)), nullptr) << delta;
  }
}

TEST_F(Events, HaveTheirOwnUsage) {
  const std::string usage = R"({"id":"a","object":"chat.completion.chunk","choices":[],"usage":)";
  learn(usage + R"({"prompt_tokens":1,"completion_tokens":2}})");
  const KnownEvents::Known* known = find(usage + R"({"prompt_tokens":30,"completion_tokens":40}})");
  ASSERT_NE(known, nullptr);
  EXPECT_TRUE(known->facts.usage_only);
  EXPECT_EQ(known->facts.usage->prompt_tokens, 30U);
  EXPECT_EQ(known->facts.usage->completion_tokens, 40U);
}

TEST_F(Events, AreNotLearnedWhereTheyNeedARepairOrCallTools) {
  for (const std::string& data :
       {std::string{R"({"choices":[{"delta":{"content":"hi"}}]})"},  // no object, no id, no index
        event(R"({"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":""}}]})"),
        event(R"({"content":"a"})", R"(},{"index":1,"delta":{"content":"b"})"), event("null"),
        std::string{R"({"error":{"message":"no"}})"}, std::string{"[DONE]"}, std::string{"{"}}) {
    learn(data);
    EXPECT_EQ(find(data), nullptr) << data;
  }
}

TEST_F(Events, SayWhetherTheyEndTheAnswer) {
  learn(event("{}", R"(,"finish_reason":"stop")"));
  learn(event(R"({"content":"a"})"));
  const KnownEvents::Known* end = find(event("{}", R"(,"finish_reason":"length")"));
  ASSERT_NE(end, nullptr);
  EXPECT_TRUE(end->finishes && end->trace.end);
  Mender mender = fresh();
  EXPECT_TRUE(mender.follow(find(event(R"({"content":"b"})"))->trace));
  EXPECT_FALSE(mender.finished());
  EXPECT_TRUE(mender.follow(end->trace));
  EXPECT_TRUE(mender.finished());
  EXPECT_TRUE(mender.missing_end().empty());
}

TEST_F(Events, LeaveBehindWhatTheMenderWouldHaveNoted) {
  const std::string thought = event(R"({"reasoning_content":"hm"})");
  const std::string empty = event(R"({"content":""})");
  learn(thought);
  learn(empty);
  learn(event(R"({"content":"a"})"));
  ASSERT_TRUE(find(thought) != nullptr && find(empty) != nullptr);
  Mender mender = fresh();
  EXPECT_TRUE(mender.follow(find(empty)->trace));
  EXPECT_TRUE(mender.follow(find(thought)->trace));
  EXPECT_FALSE(mender.follow(find(empty)->trace)) << "within thoughts it has to be left out";
  EXPECT_TRUE(mender.mend_event(empty).empty());
  EXPECT_TRUE(mender.follow(find(event(R"({"content":"b"})"))->trace));
  EXPECT_TRUE(mender.follow(find(empty)->trace)) << "the thoughts are over";
}

TEST_F(Events, AreLearnedOnce) {
  const std::string usual = event(R"({"content":"a"})");
  const std::string other = event(R"({"content":"a"})", R"(,"finish_reason":"stop")");
  learn(other);
  for (int i = 0; i < 20; ++i) learn(usual);
  EXPECT_NE(find(other), nullptr) << "it would have made room for the same ones";
}

TEST_F(Events, ArePassedOverOnceTooManyCouldNotBeLearned) {
  for (int i = 0; i < 10'000; ++i)
    learn(event(R"({"content":"a"})",
                ",\"x\":\"" + std::string(3000, ' ') + "\",\"y\":[" + std::string(3000, ' ') + "]"));
  learn(event(R"({"content":"a"})"));
  EXPECT_EQ(find(event(R"({"content":"b"})")), nullptr);
}

TEST_F(Events, KeepTheLastFew) {
  const auto numbered = [](int i) {
    return event(R"({"content":"a"})", R"(,"finish_reason":null,"x)" + std::to_string(i) + "\":1");
  };
  for (int i = 0; i < 9; ++i) learn(numbered(i));
  EXPECT_EQ(find(numbered(0)), nullptr) << "the oldest made room";
  for (int i = 1; i < 9; ++i) EXPECT_NE(find(numbered(i)), nullptr) << i;
}

}  // namespace
}  // namespace intragate::dialect

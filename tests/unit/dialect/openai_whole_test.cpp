#include "dialect/openai_whole.h"

#include <gtest/gtest.h>

namespace intragate::dialect::openai {
namespace {

const AnswerName kName{llm::Api::chat, "rid", 1, "m"};

std::optional<std::string> whole(std::string_view events) {
  return whole_of_events(kName, Mender{kName}, events);
}

std::string event(std::string_view choice) {
  return "data: {\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"choices\":[" + std::string{choice} + "]}\n\n";
}

TEST(OpenaiWhole, MakesOneAnswerOfEvents) {
  const std::string events =
      ": hi\n\n" + event(R"({"index":0,"delta":{"role":"assistant","content":"Grü"}})") +
      event(R"({"delta":{"content":"ße"}})") + event(R"({"delta":{},"finish_reason":"length"})") +
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n" + "data: [DONE]\n\n";
  EXPECT_EQ(whole(events),
            R"({"id":"chatcmpl-rid","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
            R"("message":{"role":"assistant","content":"Grüße"},"logprobs":null,"finish_reason":"length"}],)"
            R"("usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})");
}

TEST(OpenaiWhole, PutsToolCallsTogether) {
  const std::string events =
      event(
          R"({"delta":{"reasoning_content":"hm","tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":"{\"a"}}]}})") +
      event(R"({"delta":{"tool_calls":[{"index":1,"id":"y","function":{"name":"g","arguments":"{}"}}]}})") +
      event(R"({"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\":1}"}}]}})") + "data: [DONE]\n";
  const std::string answer = whole(events).value_or("");
  EXPECT_NE(answer.find(R"("id":"x","type":"function","function":{"name":"f","arguments":"{\"a\":1}"})"),
            std::string::npos)
      << answer;
  EXPECT_NE(answer.find(R"("id":"y","type":"function","function":{"name":"g","arguments":"{}"})"), std::string::npos)
      << answer;
  EXPECT_NE(answer.find(R"("reasoning_content":"hm")"), std::string::npos) << answer;
  EXPECT_NE(answer.find(R"("finish_reason":"tool_calls")"), std::string::npos) << answer;
}

TEST(OpenaiWhole, LeavesWhatItCannotSayAlone) {
  EXPECT_FALSE(whole(""));
  EXPECT_FALSE(whole("{\"choices\":[]}"));
  EXPECT_FALSE(whole("data: {\"error\":{\"message\":\"no\"}}\n\n"));
  EXPECT_FALSE(whole(event(R"({"index":1,"delta":{"content":"b"}})")));
  EXPECT_FALSE(whole(event(R"({"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"}})")));
  const AnswerName completion{llm::Api::completions, "rid", 1, "m"};
  EXPECT_FALSE(whole_of_events(completion, Mender{completion}, event(R"({"index":0,"text":"a"})")));
}

TEST(OpenaiWhole, MakesEventsOfOneAnswer) {
  const std::string answer =
      R"({"id":"a","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}})";
  const std::string said =
      R"(data: {"id":"chatcmpl-rid","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]})"
      "\n\n";
  const std::string counts =
      R"(data: {"id":"chatcmpl-rid","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}})"
      "\n\n";
  EXPECT_EQ(events_of_whole(kName, answer, ShowUsage::yes), said + counts + "data: [DONE]\n\n");
  EXPECT_EQ(events_of_whole(kName, answer, ShowUsage::no), said + "data: [DONE]\n\n");
  EXPECT_FALSE(events_of_whole(kName, "[]", ShowUsage::no));
  EXPECT_FALSE(
      events_of_whole(kName, R"({"choices":[{"index":0,"message":{}},{"index":1,"message":{}}]})", ShowUsage::no));
}

TEST(OpenaiWhole, KnowsAStreamByItsType) {
  EXPECT_TRUE(is_event_stream("text/event-stream"));
  EXPECT_TRUE(is_event_stream("Text/Event-Stream; charset=utf-8"));
  EXPECT_FALSE(is_event_stream("application/json"));
  EXPECT_FALSE(is_event_stream(""));
}

}  // namespace
}  // namespace intragate::dialect::openai

#include "dialect/openai_continue.h"

#include <gtest/gtest.h>

#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

std::string chunk(std::string_view delta, std::string_view finish = "null") {
  return R"({"id":"a1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":)" +
         std::string{delta} + R"(,"logprobs":null,"finish_reason":)" + std::string{finish} + "}]}";
}

Transcript heard(std::initializer_list<std::string> events, llm::Api api = llm::Api::chat) {
  Transcript transcript{api};
  for (const std::string& event : events) transcript.add(event);
  return transcript;
}

std::optional<std::string> rest_of(llm::Api api, const std::string& body, std::string_view text,
                                   std::uint64_t given = 2) {
  const Result<llm::Call> call = understand(api, body);
  EXPECT_TRUE(call);
  return ask_for_rest(*call, body, text, given);
}

TEST(Transcript, AddsUpTheTextAsWritten) {
  const Transcript t = heard({chunk(R"({"role":"assistant","content":""})"), chunk(R"({"content":"Hi \"you\u00e9"})"),
                              chunk(R"({"content":"\ud83d"})"), chunk(R"({"content":"\ude00 there"})")});
  EXPECT_TRUE(t.possible());
  EXPECT_EQ(t.text(), R"(Hi \"you\u00e9\ud83d\ude00 there)");
}

TEST(Transcript, KnowsCompletions) {
  const Transcript t = heard({R"({"choices":[{"index":0,"text":"a ","finish_reason":null}]})",
                              R"({"choices":[{"index":0,"text":"b","logprobs":null}]})"},
                             llm::Api::completions);
  EXPECT_TRUE(t.possible());
  EXPECT_EQ(t.text(), "a b");
}

TEST(Transcript, EndsWithWhatNobodyCouldGoOnFrom) {
  for (const std::string& event :
       {chunk(R"({"tool_calls":[{"index":0,"id":"c"}]})"), chunk(R"({"reasoning_content":"hm"})"),
        chunk(R"({"content":"x"})", R"("stop")"), chunk(R"({"refusal":"no"})"),
        std::string{R"({"choices":[{"index":1,"delta":{"content":"x"}}]})"},
        std::string{R"({"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[{}]}}]})"},
        std::string{"{\"choices\":["}, chunk("{\"content\":\"" + std::string(Transcript::kMost, 'x') + "y\"}")}) {
    const Transcript t = heard({chunk(R"({"content":"one"})"), event});
    EXPECT_FALSE(t.possible()) << event.substr(0, 200);
    EXPECT_TRUE(t.text().empty());
  }
}

TEST(Transcript, IsNotEndedByUsageOrDone) {
  const Transcript t =
      heard({chunk(R"({"content":"one"})"), R"({"choices":[],"usage":{"prompt_tokens":1}})", "[DONE]"});
  EXPECT_TRUE(t.possible());
}

TEST(Transcript, MakesTheRestsEventsItsOwn) {
  const Transcript t = heard({chunk(R"({"role":"assistant","content":""})"), chunk(R"({"content":"one"})")});
  const auto other = [&](std::string_view choices, std::string_view more = "") {
    return t.as_one_of_this(R"({"choices":)" + std::string{choices} +
                                R"(,"created":9,"id":"b2","model":"n","object":"chat.completion.chunk")" +
                                std::string{more} + "}",
                            5);
  };
  EXPECT_EQ(other(R"([{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}])"), "");
  EXPECT_EQ(other(R"([{"index":0,"delta":{"role":"assistant","content":" two"}}])"),
            R"({"choices":[{"index":0,"delta":{"content":" two"}}],"created":7,"id":"a1","model":"m",)"
            R"("object":"chat.completion.chunk"})");
  EXPECT_EQ(other(R"([{"index":0,"delta":{"content":"two","role":"assistant"}}])").find("role"), std::string::npos);
  EXPECT_NE(other(R"([{"index":0,"delta":{},"finish_reason":"stop"}])"), "");
  EXPECT_NE(other("[]", R"(,"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15})")
                .find(R"("usage":{"prompt_tokens":7,"completion_tokens":8,"total_tokens":15})"),
            std::string::npos);
  EXPECT_EQ(t.as_one_of_this("[DONE]", 5), "[DONE]");
}

TEST(RestOfAnAnswer, IsAskedForWithTheTextSoFar) {
  EXPECT_EQ(rest_of(llm::Api::chat, R"({"messages":[{"role":"user","content":"Hi"}],"model":"m","stream":true})",
                    R"(One \"two\")"),
            R"({"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"One \"two\""}],"model":"m",)"
            R"("stream":true,"continue_final_message":true,"add_generation_prompt":false})");
  EXPECT_EQ(rest_of(llm::Api::completions, R"({"model":"m","prompt":"Once","max_tokens":10})", " upon"),
            R"({"model":"m","prompt":"Once upon","max_tokens":8})");
}

TEST(RestOfAnAnswer, HasFewerTokens) {
  const auto rest =
      rest_of(llm::Api::chat, R"({"model":"m","messages":[{"role":"user"}],"max_completion_tokens":5})", "x");
  ASSERT_TRUE(rest);
  EXPECT_NE(rest->find(R"("max_completion_tokens":3)"), std::string::npos);
  EXPECT_FALSE(rest_of(llm::Api::chat, R"({"model":"m","messages":[{"role":"user"}],"max_tokens":2})", "x"));
}

TEST(RestOfAnAnswer, IsNotAskedForWhereItCouldNotBe) {
  for (const std::string_view more :
       {R"("n":2)", R"("logprobs":true)", R"("response_format":{"type":"json_object"})", R"("grammar":"root")",
        R"("continue_final_message":true)", R"("top_logprobs":1)", R"("structured_outputs":{"json":{}})"}) {
    EXPECT_FALSE(rest_of(llm::Api::chat,
                         R"({"model":"m","messages":[{"role":"user","content":"Hi"}],)" + std::string{more} + "}", "x"))
        << more;
  }
  for (const std::string_view more : {R"("n":1)", R"("logprobs":false)", R"("response_format":{"type":"text"})"}) {
    EXPECT_TRUE(rest_of(llm::Api::chat,
                        R"({"model":"m","messages":[{"role":"user","content":"Hi"}],)" + std::string{more} + "}", "x"))
        << more;
  }
  EXPECT_FALSE(rest_of(llm::Api::chat, R"({"model":"m","messages":[{"role":"assistant","content":"Hi"}]})", "x"));
  EXPECT_FALSE(rest_of(llm::Api::chat, R"({"model":"m","messages":[]})", "x"));
  EXPECT_FALSE(rest_of(llm::Api::chat, R"({"model":"m"})", "x"));
  EXPECT_FALSE(rest_of(llm::Api::completions, R"({"model":"m","prompt":["a","b"]})", "x"));
  EXPECT_FALSE(rest_of(llm::Api::completions, R"({"model":"m","prompt":"a","echo":true})", "x"));
}

}  // namespace
}  // namespace intragate::dialect::openai

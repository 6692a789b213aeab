#include <gtest/gtest.h>

#include <string>

#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

bool is_content(std::string_view data) {
  return inspect_event(data).content;
}

std::string chunk(std::string_view choice, std::string_view rest = "") {
  return R"({"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[)" + std::string{choice} +
         "]" + std::string{rest} + "}";
}

void expect_usage(const std::optional<llm::Usage>& usage, std::uint64_t prompt, std::uint64_t completion) {
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->prompt_tokens, prompt);
  EXPECT_EQ(usage->completion_tokens, completion);
  EXPECT_EQ(usage->source, llm::UsageSource::upstream);
}

TEST(InspectEvent, KnowsTheEnd) {
  EXPECT_TRUE(inspect_event("[DONE]").done);
  EXPECT_TRUE(inspect_event(" [DONE] ").done);
  for (const std::string_view data : {"", " ", "[DONE", "[]", R"("[DONE]")", R"({"done":true})"}) {
    EXPECT_FALSE(inspect_event(data).done) << data;
  }
}

TEST(InspectEvent, CountsWhatTheModelGenerated) {
  EXPECT_TRUE(is_content(chunk(R"({"index":0,"delta":{"content":"Hi"},"finish_reason":null})")));
  EXPECT_TRUE(is_content(chunk(R"({"delta":{"role":"assistant","content":" "}})")));
  EXPECT_TRUE(is_content(chunk(R"({"delta":{"content":null,"reasoning_content":"hm"}})")));
  EXPECT_TRUE(is_content(chunk(R"({"delta":{"reasoning":"hm"}})")));
  EXPECT_TRUE(is_content(chunk(R"({"delta":{"content":"","tool_calls":[{"index":0}]}})")));
  EXPECT_TRUE(is_content(chunk(R"({"delta":{"audio":{"data":"x"}}})")));
  EXPECT_TRUE(is_content(chunk(R"({"delta":{}},{"delta":{"content":"second choice"}})")));
  EXPECT_TRUE(is_content(chunk(R"({"index":0,"text":"Hi","logprobs":null})")));
}

TEST(InspectEvent, DoesNotCountOpeningAndClosingEvents) {
  EXPECT_FALSE(is_content(chunk(R"({"delta":{"role":"assistant","content":""}})")));
  EXPECT_FALSE(is_content(chunk(R"({"delta":{"role":"assistant"}})")));
  EXPECT_FALSE(is_content(chunk(R"({"delta":{"role":"assistant","content":null,"tool_calls":[ ]}})")));
  EXPECT_FALSE(is_content(chunk(R"({"delta":{},"finish_reason":"stop"})")));
  EXPECT_FALSE(is_content(chunk(R"({"text":"","finish_reason":"stop"})")));
  EXPECT_FALSE(is_content(chunk("")));
  EXPECT_FALSE(is_content(R"({"choices":null})"));
  EXPECT_FALSE(is_content(R"({"choices":"delta","delta":{"content":"x"}})"));
}

TEST(InspectEvent, FindsTheUsageEvent) {
  const EventFacts facts = inspect_event(
      R"({"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":30,"total_tokens":42}})");
  EXPECT_TRUE(facts.usage_only);
  EXPECT_FALSE(facts.content);
  EXPECT_FALSE(facts.error);
  expect_usage(facts.usage, 12, 30);
  EXPECT_TRUE(inspect_event(R"({"usage":{"prompt_tokens":1}})").usage_only);
  EXPECT_TRUE(inspect_event(R"({"choices":[ ],"usage":{"prompt_tokens":1}})").usage_only);
  EXPECT_TRUE(inspect_event(R"({"choices":null,"usage":{}})").usage_only);
}

TEST(InspectEvent, FindsUsageBesideChoices) {
  const EventFacts facts =
      inspect_event(chunk(R"({"delta":{"content":"x"}})",
                          R"(,"usage":{"prompt_tokens":3,"completion_tokens":4,"details":{"prompt_tokens":9}})"));
  EXPECT_FALSE(facts.usage_only);
  EXPECT_TRUE(facts.content);
  expect_usage(facts.usage, 3, 4);
}

TEST(InspectEvent, TakesNoUsageForNone) {
  for (const std::string_view rest :
       {"", R"(,"usage":null)", R"(,"usage": null )", R"(,"usage":7)", R"(,"usage":"x")"}) {
    const EventFacts facts = inspect_event(chunk(R"({"delta":{"content":"x"}})", rest));
    EXPECT_FALSE(facts.usage);
    EXPECT_FALSE(facts.usage_only);
    EXPECT_FALSE(inspect_event(chunk("", rest)).usage_only) << rest;
  }
  EXPECT_FALSE(inspect_event(R"({"choices":[],"usage":{"prompt_tokens":"12"}})").usage);
}

TEST(InspectEvent, IsNotMisledByWhatTheModelSays) {
  for (const std::string_view content :
       {R"("usage")", R"("error")", R"("{\"usage\":{\"prompt_tokens\":1},\"error\":1}")", R"("\",\"error\":{\"")",
        R"("a]}],")"}) {
    const EventFacts facts = inspect_event(chunk(R"({"delta":{"content":)" + std::string{content} + "}}"));
    EXPECT_TRUE(facts.content) << content;
    EXPECT_FALSE(facts.error || facts.usage_only || facts.usage) << content;
  }
  const EventFacts nested =
      inspect_event(chunk(R"({"delta":{},"usage":{"prompt_tokens":1},"error":"x"})", R"(,"x":{"error":{}})"));
  EXPECT_FALSE(nested.error || nested.usage_only || nested.usage);
}

TEST(InspectEvent, KnowsThatTheModelGaveUp) {
  EXPECT_TRUE(inspect_event(R"({"error":{"message":"out of memory","code":500}})").error);
  EXPECT_TRUE(inspect_event(R"({"error":"overloaded","error_type":"overloaded"})").error);
  EXPECT_TRUE(inspect_event(R"({"id":"x","choices":[],"error":{"message":"y"}})").error);
  EXPECT_FALSE(inspect_event(R"({"error":null,"choices":[]})").error);
  EXPECT_FALSE(inspect_event(chunk(R"({"delta":{"content":"x"}})", R"(,"error":null)")).error);
  EXPECT_FALSE(inspect_event(chunk(R"({"delta":{"content":"x"}})", R"(,"error":{"code":1})")).error);
}

TEST(InspectEvent, SaysNothingOfWhatIsNotJson) {
  for (const std::string_view data :
       {"", "hello", "[1]", R"({"error":{"message":"x"})", R"({"choices":[{"delta":{"content":"x"}}]} x)"}) {
    const EventFacts facts = inspect_event(data);
    EXPECT_FALSE(facts.done || facts.error || facts.usage_only || facts.content || facts.usage) << data;
  }
}

const std::string kAnswer =
    R"({"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"its \"usage\":{\"prompt_tokens\":9}, "}}],)"
    R"("usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12},"timings":{"predicted_ms":1.5}})";

TEST(FindUsage, ReadsAWholeAnswer) {
  expect_usage(find_usage(kAnswer), 5, 7);
  expect_usage(
      find_usage(R"({"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":4,"total_tokens":4}})"), 4,
      0);
  expect_usage(
      find_usage(
          R"({"x":{"usage":{"prompt_tokens":1}},"usage":{"prompt_tokens":2},"y":{"usage":{"prompt_tokens":3}}})"),
      2, 0);
}

TEST(FindUsage, FindsNoneWhereNoneIs) {
  for (const std::string_view body :
       {"", "oops", "{}", R"({"usage":null})", R"({"usage":{}})", R"({"choices":[{"usage":{"prompt_tokens":1}}]})",
        R"({"content":"\"usage\":{\"prompt_tokens\":1}"})", R"({"usage":{"prompt_tokens":"1"}})"}) {
    EXPECT_FALSE(find_usage(body)) << body;
  }
}

TEST(FindUsage, ReadsEveryLastPartThatHoldsIt) {
  const std::size_t key = kAnswer.find(R"("usage":{"prompt_tokens":5)");
  for (std::size_t cut = 0; cut <= key; ++cut) expect_usage(find_usage(std::string_view{kAnswer}.substr(cut)), 5, 7);
  for (std::size_t cut = key + 1; cut < kAnswer.size(); ++cut) {
    EXPECT_FALSE(find_usage(std::string_view{kAnswer}.substr(cut))) << cut;
  }
}

TEST(FindUsage, LooksBehindANestedUsageInALastPart) {
  expect_usage(find_usage(R"(text"}],"usage":{"prompt_tokens":2},"y":{"usage":{"prompt_tokens":3}}})"), 2, 0);
}

TEST(FindUsage, ReadsAFirstPartThatHoldsIt) {
  const std::string body = R"({"usage":{"prompt_tokens":5,"completion_tokens":7},"data":[{"embedding":[0.25,0.5]}]})";
  const std::size_t end = body.find(R"(,"data")");
  for (std::size_t length = end; length <= body.size(); ++length) {
    expect_usage(find_usage_in_beginning(std::string_view{body}.substr(0, length)), 5, 7);
  }
  for (std::size_t length = 0; length < end; ++length) {
    EXPECT_FALSE(find_usage_in_beginning(std::string_view{body}.substr(0, length))) << length;
  }
}

TEST(FindUsage, DoesNotTakeANestedUsageInAPart) {
  EXPECT_FALSE(find_usage(R"({"usage":{"prompt_tokens":1}}],"model":"m"})"));
  EXPECT_FALSE(find_usage(R"(0.5],"x":{"usage":{"prompt_tokens":1}},"model":"m"})"));
  EXPECT_FALSE(find_usage_in_beginning(R"({"choices":[{"usage":{"prompt_tokens":1}},{"message":{"conte)"));
  EXPECT_FALSE(find_usage_in_beginning(R"({"choices":[{"usage":{"prompt_tokens":1}})"));
  const std::string long_one = R"({"usag":[")" + std::string(300, 'd') + R"(",{"usage":{"prompt_tokens":9}})";
  EXPECT_FALSE(find_usage_in_beginning(long_one));
}

TEST(SaysFinished, SeesAFinishReasonAndNoTextThatLooksLikeOne) {
  EXPECT_TRUE(says_finished(chunk(R"({"delta":{},"finish_reason":"stop"})")));
  EXPECT_TRUE(says_finished(chunk(R"({"delta":{},"finish_reason" :  "length"})")));
  EXPECT_TRUE(says_finished(chunk(R"({"finish_reason":null},{"finish_reason":"stop"})")));
  EXPECT_FALSE(says_finished(chunk(R"({"delta":{"content":"x"},"finish_reason":null})")));
  EXPECT_FALSE(says_finished(chunk(R"({"delta":{"content":"\"finish_reason\":\"stop\""}})")));
  EXPECT_FALSE(says_finished(chunk(R"({"delta":{"content":"x"}})")));
}

TEST(CloseAnswer, EndsAsTheModelWouldHave) {
  const std::string last = chunk(R"({"index":0,"delta":{"content":"x"},"finish_reason":null})", R"(,"extra":1)");
  const llm::Usage usage{12, 30, llm::UsageSource::counted};
  const Closing closing = close_answer(llm::Api::chat, last, &usage);
  EXPECT_EQ(closing.finish, chunk(R"({"index":0,"delta":{},"logprobs":null,"finish_reason":"length"})"));
  EXPECT_EQ(closing.usage, chunk("", R"(,"usage":{"prompt_tokens":12,"completion_tokens":30,"total_tokens":42})"));
  const EventFacts facts = inspect_event(closing.usage);
  EXPECT_TRUE(facts.usage_only);
  EXPECT_TRUE(says_finished(closing.finish));
  EXPECT_FALSE(inspect_event(closing.finish).content);
}

TEST(CloseAnswer, SpeaksOfTextToCompletionsAndOfCountsOnlyWhereWanted) {
  const Closing closing =
      close_answer(llm::Api::completions, R"({"id":"c","choices":[{"text":"x"}],"created":1,"model":"m"})", nullptr);
  EXPECT_EQ(closing.finish, R"({"id":"c","created":1,"model":"m",)"
                            R"("choices":[{"index":0,"text":"","logprobs":null,"finish_reason":"length"}]})");
  EXPECT_EQ(closing.usage, "");
}

}  // namespace
}  // namespace intragate::dialect::openai

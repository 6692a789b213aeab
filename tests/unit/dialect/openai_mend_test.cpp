#include "dialect/openai_mend.h"

#include <gtest/gtest.h>

namespace intragate::dialect::openai {
namespace {

const AnswerName kName{llm::Api::chat, "rid", 1, "m"};
const std::string kHead = R"({"id":"a","object":"chat.completion.chunk","choices":[)";

std::string choice(std::string_view delta) {
  return kHead + R"({"index":0,"delta":)" + std::string{delta} + R"(,"finish_reason":null}]})";
}

std::string mended(std::string_view event) {
  Mender mender{kName};
  return std::string{mender.mend_event(event)};
}

TEST(Mender, WhatIsWellStaysWhereItIs) {
  Mender mender{kName};
  for (const std::string& event :
       {choice(R"({"content":"hi"})"), choice(R"({"role":"assistant","content":null})"), choice("{}"),
        kHead + R"(],"usage":{"prompt_tokens":1}})",
        choice(R"({"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":""}}]})"),
        choice(R"({"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]})"),
        std::string{R"({"error":{"message":"no"}})"}}) {
    EXPECT_EQ(mender.mend_event(event).data(), event.data()) << event;
  }
  EXPECT_FALSE(mender.repairs().any());
}

TEST(Mender, AddsWhatIsMissing) {
  EXPECT_EQ(
      mended(R"({"choices":[{"delta":{"content":"hi"}}]})"),
      R"({"id":"chatcmpl-rid","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hi"}}]})");
  EXPECT_EQ(mended(R"({"id":"a","object":"chat.completion","usage":{}})"),
            R"({"choices":[],"id":"a","object":"chat.completion.chunk","usage":{}})");
  EXPECT_EQ(mended("{}"), R"({"choices":[],"id":"chatcmpl-rid","object":"chat.completion.chunk"})");
  EXPECT_EQ(mended(choice("null")), choice("{}"));
}

TEST(Mender, LeavesAloneWhatItIsToldTo) {
  const std::string wrong = R"({"choices":[{"delta":null}]})";
  for (std::size_t i = 0; i < kRepairs; ++i) {
    const std::string name{repair_name(static_cast<Repair>(i))};
    Mender mender{kName, repairs_named({name})};
    std::string said{mender.mend_event(wrong)};
    said += mender.mend_event(R"({"object":"x"})");
    said += mender.mend_event(choice(R"({"reasoning":"hm"})"));
    said += mender.mend_event(choice(R"({"content":""})"));
    said += mender.mend_event(choice(R"({"tool_calls":[{"function":{"name":"f"}}]})"));
    said += mender.mend_event("oops");
    said += mender.missing_end() + mender.missing_usage({1, 2, llm::UsageSource::counted});
    said += mender.mend_answer(R"({"choices":[{"message":{"content":null}}]})", 1);
    said += mender.mend_embeddings(R"({"data":[]})", 1);
    EXPECT_FALSE(mender.repairs().has(static_cast<Repair>(i))) << name << said;
    for (std::size_t other = 0; other + 1 < kRepairs; ++other) {  // `done` is the stream's own
      EXPECT_EQ(mender.repairs().has(static_cast<Repair>(other)), other != i) << name << ' ' << other << said;
    }
  }
}

TEST(Mender, LooksAtBothEndsOfEmbeddingsOnly) {
  const std::string vector = R"("data":[{"object":"embedding","embedding":[)" + std::string(2000, '1') + "]}]";
  EXPECT_TRUE(is_usual_list(R"({"object":"list",)" + vector + R"(,"model":"m","usage":{"prompt_tokens":1}})"));
  EXPECT_TRUE(is_usual_list(R"({"object": "list", "model": "m", )" + vector + "}"));
  EXPECT_FALSE(is_usual_list("{" + vector + R"(,"model":"m"})"));
  EXPECT_FALSE(is_usual_list(R"({"object":"list",)" + vector + "}"));
  EXPECT_FALSE(is_usual_list(""));
}

TEST(Mender, GivesPiecesOfToolCallsWhatDifyGoesBy) {
  Mender mender{kName};
  EXPECT_EQ(
      mender.mend_event(choice(R"({"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]})")),
      choice(
          R"({"tool_calls":[{"type":"function","id":"call_rid_0","index":0,"function":{"name":"f","arguments":"{\"a\":1}"}}]})"));
  EXPECT_EQ(
      mender.mend_event(choice(R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g"}}]})")),
      choice(R"({"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g"}}]})"));
  // Mixed: back to the first, which Dify would take for the second.
  EXPECT_EQ(mender.mend_event(choice(R"({"tool_calls":[{"index":0,"function":{"name":"f","arguments":"x"}}]})")),
            choice(R"({"tool_calls":[{"id":"call_rid_0","index":0,"function":{"name":"","arguments":"x"}}]})"));
  EXPECT_TRUE(mender.repairs().has(Repair::tool_calls));
}

// What is said of a call in an event: its index and its arguments.
std::string call_of(std::string_view event) {
  const std::size_t index = event.find(R"("tool_calls":[)");
  const std::size_t at = event.find(R"("index":)", index);
  const std::size_t arguments = event.find(R"("arguments":)");
  return std::string{event.substr(at + 8, 1)} +
         std::string{event.substr(arguments + 12, event.find('}', arguments) - arguments - 12)};
}

TEST(Mender, PutsPiecesOfACallTogetherThatSayItsNameAgain) {
  Mender mender{kName};
  const auto piece = [&](std::string_view name, std::string_view arguments) {
    return call_of(mender.mend_event(choice(R"({"tool_calls":[{"function":{"name":")" + std::string{name} +
                                            R"(","arguments":")" + std::string{arguments} + R"("}}]})")));
  };
  EXPECT_EQ(piece("f", ""), R"(0"")");
  EXPECT_EQ(piece("f", R"({\"a\":)"), R"(0"{\"a\":")");
  EXPECT_EQ(piece("f", "1]"), R"(0"1]")") << "what is no JSON ends nowhere, or anywhere";
  EXPECT_EQ(piece("f", "["), R"(1"[")");
  EXPECT_EQ(piece("g", "["), R"(2"[")") << "another function";
  EXPECT_EQ(piece("", "]"), R"(2"]")");
  EXPECT_EQ(piece("g", "["), R"(3"[")") << "the last one has ended";
}

TEST(Mender, LeavesOutWhatEndsThoughtsInDify) {
  Mender mender{kName};
  (void)mender.mend_event(choice(R"({"reasoning_content":"hm"})"));
  EXPECT_EQ(mender.mend_event(choice(R"({"content":""})")), "");
  (void)mender.mend_event(choice(R"({"content":"so"})"));
  const std::string event = choice(R"({"content":""})");
  EXPECT_EQ(mender.mend_event(event), event);
}

TEST(Mender, SaysWhyAnAnswerEndsIfNobodyDid) {
  Mender mender{kName};
  EXPECT_EQ(mender.missing_end(), "") << "nothing was said";
  (void)mender.mend_event(choice(R"({"content":"hi"})"));
  EXPECT_NE(mender.missing_end().find(R"("finish_reason":"stop")"), std::string::npos);
  EXPECT_EQ(mender.missing_end(), "");
}

TEST(Mender, MakesErrorsOfWhatIsNoEvent) {
  EXPECT_NE(mended(R"({"error":"out of memory"})").find(R"("message":"out of memory")"), std::string::npos);
  EXPECT_NE(mended(R"({"object":"error","message":"out of memory"})").find(R"({"error":{"message":"out of memory")"),
            std::string::npos);
  EXPECT_NE(mended("Internal Server Error").find("\"error\":{"), std::string::npos);
}

TEST(Mender, MendsWholeAnswers) {
  Mender mender{kName};
  EXPECT_EQ(
      mender.mend_answer(R"({"object":"x","choices":[{"message":{"role":"assistant","content":null}}]})", 7),
      R"({"usage":{"prompt_tokens":7,"completion_tokens":4,"total_tokens":11},"id":"chatcmpl-rid","object":)"
      R"("chat.completion","choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":""}}]})");
  const std::string well = R"({"id":"a","object":"chat.completion","choices":[{"index":0,"message":{"content":"x"},)"
                           R"("finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}})";
  EXPECT_EQ(mender.mend_answer(well, 7).data(), well.data());
}

TEST(MendRefusal, MakesAnObjectOfTextAndHtml) {
  EXPECT_EQ(mend_refusal(400, R"({"error":{"message":"no"}})"), std::nullopt);
  EXPECT_NE(mend_refusal(422, R"({"detail":"too long"})")->find("too long"), std::string::npos);
  EXPECT_NE(mend_refusal(422, R"({"detail":[{"loc":["body"],"msg":"too long"},{"msg":"x"}]})")->find("\"too long\""),
            std::string::npos);
  EXPECT_NE(mend_refusal(400, R"("just text")")->find("just text"), std::string::npos);
  EXPECT_EQ(mend_refusal(400, "<html>secret path</html>")->find("secret"), std::string::npos);
}

}  // namespace
}  // namespace intragate::dialect::openai

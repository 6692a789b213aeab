#include "dialect/event_shape.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::dialect {
namespace {

std::string event(std::string_view text, std::string_view rest = R"(,"finish_reason":null)") {
  return R"({"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":)" + std::string{text} + "}" +
         std::string{rest} + "}]}";
}

EventShape learned(std::string_view data) {
  EventShape shape;
  shape.learn(data, openai::inspect_event(data));
  return shape;
}

TEST(EventShape, FitsWhateverTheTextSays) {
  const EventShape shape = learned(event(R"("a")"));
  for (const char* text :
       {R"("b")", R"("a longer text, 中文")", R"("\"usage\":{}")", R"("}]}")", R"("\\")", R"("\u4e2d")"}) {
    EXPECT_TRUE(shape.fits(event(text))) << text;
    EXPECT_TRUE(openai::inspect_event(event(text)).content) << text;
  }
}

TEST(EventShape, FitsNothingThatDiffersAroundTheText) {
  const EventShape shape = learned(event(R"("a")"));
  for (const std::string& other :
       {event(R"("a")", R"(,"finish_reason":"stop")"), event(R"("a")") + " ", event(R"("a","b":"c")"), event("null"),
        event(R"("")"), event(R"("a)"), std::string{"[DONE]"}, std::string{}, event(R"("a")").substr(0, 60),
        R"({"choices":[],"usage":{"prompt_tokens":1}})" + std::string(80, ' ')}) {
    EXPECT_FALSE(shape.fits(other)) << other;
  }
}

TEST(EventShape, LearnsOnlyEventsThatBringTextAndNothingElse) {
  const std::string with_usage = R"({"choices":[{"delta":{"content":"a"}}],"usage":{"prompt_tokens":1}})";
  const std::string without_text = R"({"choices":[{"delta":{"tool_calls":[{"index":0}]}}]})";
  const std::string opening = event(R"("")");
  for (const std::string& data : {with_usage, without_text, opening}) EXPECT_FALSE(learned(data).fits(data)) << data;
}

TEST(EventShape, LearnsAnewWhenTheShapeChanges) {
  EventShape shape = learned(event(R"("a")"));
  const std::string thinking = R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})";
  EXPECT_FALSE(shape.fits(thinking));
  shape.learn(thinking, openai::inspect_event(thinking));
  EXPECT_TRUE(shape.fits(R"({"choices":[{"delta":{"reasoning_content":"aha"}}]})"));
}

TEST(EventShape, KeepsLittleAndGivesUpOnStreamsWithoutOne) {
  const std::string huge = event(R"("a")", R"(,"x":")" + std::string(2000, 'x') + '"');
  EXPECT_FALSE(learned(huge).fits(huge));
  EventShape shape;
  std::string data;
  for (int i = 0; i < 100; ++i) {
    data = event(R"("a")", R"(,"logprob":)" + std::to_string(i));
    shape.learn(data, openai::inspect_event(data));
  }
  EXPECT_FALSE(shape.fits(data));
}

}  // namespace
}  // namespace intragate::dialect

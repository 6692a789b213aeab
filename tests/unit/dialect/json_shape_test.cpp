#include "dialect/json_shape.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::dialect {
namespace {

std::string answer(std::string_view id, std::string_view content, std::string_view finish, std::string_view usage,
                   std::string_view rest = "") {
  return R"({"id":)" + std::string{id} + R"(,"object":"chat.completion","created":1700000000,"model":"m","choices":)" +
         R"([{"index":0,"message":{"role":"assistant","content":)" + std::string{content} +
         R"(,"tool_calls":[]},"logprobs":null,"finish_reason":)" + std::string{finish} + R"(}],"usage":{)" +
         std::string{usage} + "}" + std::string{rest} + "}";
}

const std::string kCounts = R"("prompt_tokens":11,"total_tokens":18,"completion_tokens":7)";
const std::string kFirst = answer(R"("a")", R"("hi")", R"("stop")", kCounts);

std::string with(std::string_view old, std::string_view now) {
  return std::string{kFirst}.replace(kFirst.find(old), old.size(), now);
}

class Shape : public testing::Test {
 protected:
  void SetUp() override {
    std::optional<JsonShape> made = JsonShape::of(kFirst);
    ASSERT_TRUE(made);
    shape_ = *std::move(made);
  }
  bool fits(const std::string& json) const { return shape_.fits(json).has_value(); }

  JsonShape shape_;
};

TEST_F(Shape, FitsWhateverTheTextsAndNumbersAre) {
  EXPECT_TRUE(shape_.counts());
  const std::string other = answer(R"("chatcmpl-9")", R"("a \"quoted\" { [ text, \u00fc \\")", R"("length")",
                                   R"("prompt_tokens":123456,"total_tokens":0,"completion_tokens":0)");
  const std::optional<JsonShape::Counts> counts = shape_.fits(other);
  ASSERT_TRUE(counts);
  EXPECT_EQ(counts->prompt_tokens, 123456U);
  EXPECT_EQ(counts->completion_tokens, 0U);
  for (const std::size_t size : {1U, 7U, 8U, 31U, 32U, 33U, 64U, 1000U}) {
    EXPECT_TRUE(fits(with("hi", std::string(size, 'x')))) << size;
    EXPECT_TRUE(fits(with("hi", std::string(size, 'x') + "\\\""))) << size;
  }
}

TEST_F(Shape, FitsNothingThatIsEmptyOrOfAnotherKind) {
  for (const std::string& json : {
           answer(R"("")", R"("hi")", R"("stop")", kCounts),
           answer(R"("a")", R"("hi")", R"("")", kCounts),
           answer(R"("a")", "null", R"("stop")", kCounts),
           answer(R"("a")", "7", R"("stop")", kCounts),
           answer("7", R"("hi")", R"("stop")", kCounts),
           answer(R"("a")", R"("hi")", "null", kCounts),
           answer(R"("a")", R"("hi")", R"("stop")", R"("prompt_tokens":11)"),
           answer(R"("a")", R"("hi")", R"("stop")", kCounts, R"(,"error":{})"),
           answer(R"("a")", R"("hi","tool_calls":[{}])", R"("stop")", kCounts),
           with("chat.completion", "chat.whatever!!"),
           kFirst + "x",
           std::string{"[DONE]"},
       }) {
    EXPECT_FALSE(fits(json)) << json;
  }
  for (std::size_t size = 0; size < kFirst.size(); ++size) EXPECT_FALSE(fits(kFirst.substr(0, size))) << size;
}

TEST_F(Shape, TakesNoWrongNumberForOne) {
  for (const char* number : {"01", "-", "1.", "1e", "+1", ".5", "1.5.5", "0x1", "1e+", ""}) {
    EXPECT_FALSE(fits(with("1700000000", number))) << number;
  }
  for (const char* number : {"0", "-1", "1.5", "1e9", "1.25E-3"}) EXPECT_TRUE(fits(with("1700000000", number)));
  for (const char* number : {"1.5", "-1", "1e3", "99999999999999999999"}) {
    EXPECT_FALSE(fits(with(":11,", ":" + std::string{number} + ","))) << number << " is no count";
  }
}

TEST(JsonShape, IsNotMadeOfWhatIsUnusual) {
  const auto made = [](const std::string& json) { return JsonShape::of(json).has_value(); };
  EXPECT_TRUE(made(kFirst));
  EXPECT_TRUE(made("{}"));
  EXPECT_FALSE(made(answer(R"("a")", R"("hi")", R"("stop")", kCounts + R"(,"prompt_tokens":11)"))) << "twice";
  EXPECT_FALSE(made(answer(R"("a")", R"("hi")", R"("stop")", R"("prompt_\u0074okens":11,"completion_tokens":7)")));
  EXPECT_FALSE(made(answer(R"("a")", R"(null,"tool_calls":[{"id":"x"}])", R"("tool_calls")", kCounts)));
  EXPECT_FALSE(made(answer(R"("a")", R"("hi")", R"("stop")", kCounts, ",\"x\":[" + std::string(3000, ' ') + "]")));
  EXPECT_FALSE(made("{\"a\":\"b"));
  EXPECT_FALSE(made(""));
  EXPECT_FALSE(made("[DONE]"));
}

TEST(JsonShape, IsNotMadeOfWhatIsCountedTwice) {
  for (const char* json : {R"({"usage":{"prompt_tokens":7},"usage":{"completion_tokens":2}})",
                           R"({"usage":null,"usage":{"prompt_tokens":7,"completion_tokens":2}})",
                           R"({"usage":{"prompt_tokens":1,"prompt_tokens":[],"completion_tokens":2}})",
                           R"({"usage":{"prompt_tokens":1,"completion_tokens":2,"completion_tokens":"2"}})"}) {
    EXPECT_FALSE(JsonShape::of(json)) << json;
  }
}

TEST(JsonShape, CountsOnlyInUsageOfTheTopLevel) {
  EXPECT_FALSE(JsonShape::of(R"({"prompt_tokens":1,"completion_tokens":2})")->counts());
  EXPECT_FALSE(JsonShape::of(R"({"x":{"usage":{"prompt_tokens":1,"completion_tokens":2}}})")->counts());
  EXPECT_FALSE(JsonShape::of(R"({"usage":{"x":{"prompt_tokens":1,"completion_tokens":2}}})")->counts());
  EXPECT_FALSE(JsonShape::of(R"({"usage":null,"x":{"prompt_tokens":1,"completion_tokens":2}})")->counts());
  EXPECT_TRUE(JsonShape::of(R"({"usage":{"x":{"a":1},"prompt_tokens":1,"completion_tokens":2},"y":3})")->counts());
}

}  // namespace
}  // namespace intragate::dialect

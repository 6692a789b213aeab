#include "pipeline/measure.h"

#include <gtest/gtest.h>

#include <fstream>

#include "dialect/openai.h"
#include "tests/unit/config/loading.h"

namespace intragate::pipeline {
namespace {

// One token for each character of `abc`, and one for `<|im_start|>` and `<|im_end|>`; nothing for all else.
constexpr std::string_view kTokenizer = R"({
    "added_tokens":[{"content":"<|im_start|>","special":true},{"content":"<|im_end|>","special":true}],
    "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},
    "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>"}},{"Sequence":{"id":"A"}}]},
    "model":{"type":"BPE","vocab":{"a":0,"b":1,"c":2},"merges":[]}})";

class MeasureTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = config::make_folder("measure");
    std::ofstream{folder_ / "tokenizer.json"} << kTokenizer;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // By a model with this, whose endpoint has `tokenizer` and that.
  Result<Measured> measured(const std::string& model, const std::string& endpoint, llm::Api api,
                            const std::string& body) {
    config::Loaded loaded =
        config::load("models: [{name: m, " + model + "endpoints: [{url: \"http://h\", tokenizer: \"" +
                     (folder_ / "tokenizer.json").string() + "\"" + endpoint + "}]}]");
    return measured_by(std::move(loaded), api, body);
  }

  Result<Measured> unmeasured(const std::string& model, const std::string& body) {
    return measured_by(config::load("models: [{name: m, " + model + "endpoints: [{url: \"http://h\"}]}]"),
                       llm::Api::chat, body);
  }

 private:
  static Result<Measured> measured_by(config::Loaded loaded, llm::Api api, const std::string& body) {
    EXPECT_EQ(config::all_problems(loaded), "");
    const auto snapshot =
        make_snapshot(std::make_shared<const config::Config>(std::move(loaded.config)), {}, nullptr, {});
    EXPECT_TRUE(snapshot);
    const Lane& lane = *(*snapshot)->find("m");
    Result<llm::Call> call = dialect::openai::understand(api, body);
    EXPECT_TRUE(call) << call.error().message;
    call->bound_answer(lane.model.max_answer_tokens);
    return measure(lane, *call, body, WallTime{});
  }

 protected:
  std::filesystem::path folder_;
};

constexpr const char* kChat = R"({"model":"m","messages":[{"role":"user","content":"abcabc"}]})";

TEST_F(MeasureTest, AChatIsCountedByItsTemplate) {
  const Result<Measured> exact = measured("", ", chat_template: chatml", llm::Api::chat, kChat);
  ASSERT_TRUE(exact);
  // <|im_start|>user\nabcabc<|im_end|>\n<|im_start|>assistant\n: three special tokens, two letters of `assistant`, six.
  EXPECT_EQ(exact->prompt, 3U + 2U + 6U);
  const Result<Measured> less = measured("", "", llm::Api::chat, kChat);
  ASSERT_TRUE(less);
  EXPECT_FALSE(less->prompt);  // without a template nobody knows what comes around the text
}

TEST_F(MeasureTest, ACompletionHasTheTokenBeforeIt) {
  EXPECT_EQ(measured("", "", llm::Api::completions, R"({"model":"m","prompt":"abc"})")->prompt, 4U);
  EXPECT_FALSE(measured("", "", llm::Api::completions, R"({"model":"m","prompt":[1,2]})")->prompt);
  EXPECT_FALSE(measured("", "", llm::Api::embeddings, R"({"model":"m","input":"abc"})")->prompt);
}

TEST_F(MeasureTest, WhatCannotFitIsRefusedWithTheNumbers) {
  const Result<Measured> prompt = measured("context_window: 11, ", ", chat_template: chatml", llm::Api::chat, kChat);
  ASSERT_FALSE(prompt);
  EXPECT_EQ(prompt.error().code, Code::context_exceeded);
  EXPECT_EQ(prompt.error().message,
            "This model's maximum context length is 11 tokens. However, your messages resulted in 11 tokens. Please "
            "reduce the length of the messages.");
  EXPECT_TRUE(measured("context_window: 12, ", ", chat_template: chatml", llm::Api::chat, kChat));
  const Result<Measured> less = measured("context_window: 6, ", "", llm::Api::chat, kChat);
  EXPECT_FALSE(less) << "the texts alone are too much";
  EXPECT_TRUE(measured("context_window: 7, ", "", llm::Api::chat, kChat));

  const std::string asks = R"({"model":"m","prompt":"abc","max_tokens":7})";
  const Result<Measured> both = measured("context_window: 10, ", "", llm::Api::completions, asks);
  ASSERT_FALSE(both);
  EXPECT_EQ(
      both.error().message,
      "This model's maximum context length is 10 tokens. However, you requested 11 tokens (4 in the messages, 7 in "
      "the completion). Please reduce the length of the messages or completion.");
  EXPECT_TRUE(measured("context_window: 11, ", "", llm::Api::completions, asks));
  EXPECT_TRUE(measured("context_window: 10, max_answer_tokens: 6, ", "", llm::Api::completions, asks));
}

TEST_F(MeasureTest, WhatIsAskedForIsLoweredWhereThatIsWanted) {
  const std::string model = "context_window: 10, fit_max_tokens: true, ";
  EXPECT_EQ(measured(model, "", llm::Api::completions, R"({"model":"m","prompt":"abc","max_tokens":7})")->most, 6U);
  EXPECT_EQ(measured(model, "", llm::Api::completions, R"({"model":"m","prompt":"abc","max_tokens":6})")->most, 0U);
  EXPECT_EQ(measured(model, "", llm::Api::completions, R"({"model":"m","prompt":"abc"})")->most, 0U);
  EXPECT_FALSE(measured(model, "", llm::Api::completions, R"({"model":"m","prompt":"abcabcabc"})"));
}

TEST_F(MeasureTest, WithoutATokenizerOnlyWhatIsCertainIsRefused) {
  const auto asking = [](const std::string& most, std::size_t bytes = 4) {
    return R"({"model":"m","messages":[{"role":"user","content":")" + std::string(bytes, 'x') + R"("}],"max_tokens":)" +
           most + "}";
  };
  const Result<Measured> whole = unmeasured("context_window: 100, ", asking("100"));
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Code::context_exceeded);
  EXPECT_EQ(whole.error().message,
            "This model's maximum context length is 100 tokens. However, you requested 100 tokens in the completion "
            "alone. Please reduce the length of the completion.");
  EXPECT_TRUE(unmeasured("context_window: 100, ", asking("99", 100'000))) << "the prompt is only estimated";
  EXPECT_TRUE(unmeasured("", asking("100")));
  EXPECT_EQ(unmeasured("context_window: 100, max_answer_tokens: 200, ", asking("150"))->most, 99U);
}

TEST_F(MeasureTest, WithoutATokenizerAnEstimateMakesRoom) {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":)";  // 19 tokens
  const std::string model = "context_window: 100, fit_max_tokens: true, ";
  EXPECT_EQ(unmeasured(model, body + "100}")->most, 81U);
  EXPECT_EQ(unmeasured(model, body + "81 }")->most, 0U);
  EXPECT_EQ(unmeasured("context_window: 20, fit_max_tokens: true, ", body + "100}")->most, 10U)
      << "half of it at least";
}

}  // namespace
}  // namespace intragate::pipeline

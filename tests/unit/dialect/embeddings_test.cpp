#include "dialect/embeddings.h"

#include <gtest/gtest.h>

#include "dialect/openai.h"

namespace intragate::dialect::embeddings {
namespace {

llm::Call call_of(const std::string& body) {
  Result<llm::Call> call = openai::understand(llm::Api::embeddings, body);
  EXPECT_TRUE(call);
  return *call;
}

std::size_t count(const std::string& body) {
  return find_inputs(call_of(body), body).size();
}

TEST(Embeddings, KnowsOneInputFromSeveral) {
  EXPECT_EQ(count(R"({"model":"m","input":"a"})"), 0U);
  EXPECT_EQ(count(R"({"model":"m","input":[1,2,3]})"), 0U);  // token ids
  EXPECT_EQ(count(R"({"model":"m","input":["a","b"]})"), 2U);
  EXPECT_EQ(count(R"({"model":"m","input":[[1,2],[3]]})"), 2U);
  EXPECT_EQ(count(R"({"model":"m"})"), 0U);
}

TEST(Embeddings, APartAsksForSomeInputsAndIsOtherwiseTheSame) {
  const std::string body = R"({"input": [ "a", [1,2] ,"c\"," ], "model":"m","dimensions":8})";
  const llm::Call call = call_of(body);
  const std::vector<llm::Span> inputs = find_inputs(call, body);
  ASSERT_EQ(inputs.size(), 3U);
  const std::span<const llm::Span> all{inputs};
  EXPECT_EQ(part_of(call, body, all.subspan(0, 2)), R"({"input": ["a", [1,2]], "model":"m","dimensions":8})");
  EXPECT_EQ(part_of(call, body, all.subspan(2, 1)), R"({"input": ["c\","], "model":"m","dimensions":8})");
}

constexpr std::string_view kNumbers = R"({"data":[{"object":"embedding","index":0,"embedding":[1,-0.5]}]})";
constexpr std::string_view kBase64 = R"({"data":[{"object":"embedding","embedding":"AACAPwAAAL8="}]})";

TEST(Embeddings, SeesTheFormByTheBeginning) {
  EXPECT_TRUE(differs(kNumbers, Form::base64));
  EXPECT_FALSE(differs(kNumbers, Form::numbers));
  EXPECT_TRUE(differs(kBase64, Form::numbers));
  EXPECT_FALSE(differs(kBase64, Form::base64));
  EXPECT_TRUE(differs(kNumbers.substr(0, kNumbers.find("-0.5")), Form::base64));
  EXPECT_FALSE(differs(R"({"error":{"message":"no"}})", Form::base64));
  EXPECT_FALSE(differs("", Form::base64));
}

std::string in_form(std::string_view answer, Form form) {
  Collection collection{form};
  const Result<Unit> added = collection.add(answer, 0);
  return added ? collection.answer("m") : added.error().detail;
}

TEST(Embeddings, BringsVectorsIntoTheWantedForm) {
  const std::string numbers =
      R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,-0.5]}],"model":"m","usage":{"prompt_tokens":0,"total_tokens":0}})";
  const std::string base64 =
      R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPwAAAL8="}],"model":"m","usage":{"prompt_tokens":0,"total_tokens":0}})";
  EXPECT_EQ(in_form(kNumbers, Form::numbers), numbers);
  EXPECT_EQ(in_form(kNumbers, Form::base64), base64);
  EXPECT_EQ(in_form(kBase64, Form::numbers), numbers);
  EXPECT_EQ(in_form(kBase64, Form::base64), base64);
}

TEST(Embeddings, KeepsTheOrderOfTheInputsAndSumsTheTokens) {
  Collection collection{Form::numbers};
  EXPECT_TRUE(collection.add(
      R"({"model":"there","data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":3,"total_tokens":3}})",
      2));
  EXPECT_TRUE(collection.add(
      R"({"model":"there","data":[{"index":0,"embedding":[3]}],"usage":{"prompt_tokens":4,"total_tokens":4}})", 1));
  EXPECT_EQ(
      collection.answer({}),
      R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1]},{"object":"embedding","index":1,"embedding":[2]},{"object":"embedding","index":2,"embedding":[3]}],"model":"there","usage":{"prompt_tokens":7,"total_tokens":7}})");
  EXPECT_EQ(collection.usage().prompt_tokens, 7U);
}

TEST(Embeddings, RefusesWhatIsNoAnswer) {
  EXPECT_EQ(in_form("{}", Form::numbers), "no list of embeddings");
  EXPECT_EQ(in_form(R"({"data":[{"index":1,"embedding":[1]}]})", Form::numbers), "no list of embeddings");
  EXPECT_EQ(in_form(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]})", Form::numbers),
            "no list of embeddings");
  EXPECT_EQ(in_form(R"({"data":[{"index":99999999,"embedding":[1]}]})", Form::numbers), "no list of embeddings");
  EXPECT_EQ(in_form(R"({"data":[{"embedding":["x"]}]})", Form::base64), "an embedding that is no vector");
  EXPECT_EQ(in_form(R"({"data":[{"embedding":"AAA="}]})", Form::numbers), "an embedding that is no vector");
  EXPECT_EQ(in_form(R"({"data":[{"embedding":"AADAfw=="}]})", Form::numbers), "an embedding that is no vector");  // NaN
  Collection collection{Form::numbers};
  const Result<Unit> added = collection.add(kNumbers, 2);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().detail, "1 embeddings of 2 inputs");
}

}  // namespace
}  // namespace intragate::dialect::embeddings

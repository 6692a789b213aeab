#include "dialect/rerank.h"

#include <gtest/gtest.h>

namespace intragate::dialect::rerank {
namespace {

constexpr const char* kBody = R"({"model":"m","query":"q","documents":["a","b",{"text":"c"}],"top_n":2})";

Asked asked(std::string_view body = kBody) {
  Result<Asked> result = understand(body);
  EXPECT_TRUE(result);
  return *result;
}

TEST(RerankRequest, NeedsAQueryAndDocuments) {
  EXPECT_EQ(asked().count, 3U);
  EXPECT_EQ(asked().top_n, 2U);
  for (const char* body :
       {R"({"documents":["a"]})", R"({"query":"q"})", R"({"query":"q","documents":[]})",
        R"({"query":1,"documents":["a"]})", R"({"query":"q","documents":"a"})",
        R"({"query":"q","documents":["a"],"top_n":0})", R"({"query":"q","documents":["a"],"top_n":"2"})"}) {
    EXPECT_FALSE(understand(body)) << body;
  }
  EXPECT_EQ(asked(R"({"query":"q","documents":["a"],"top_n":null})").top_n, 0U);
}

TEST(RerankRequest, TenThousandDocumentsAreTheMost) {
  std::string documents = "\"a\"";
  for (int i = 1; i < 10'000; ++i) documents += ",\"a\"";
  EXPECT_TRUE(understand(R"({"query":"q","documents":[)" + documents + "]}"));
  EXPECT_FALSE(understand(R"({"query":"q","documents":[)" + documents + R"(,"a"]})"));
}

std::string answered(std::string_view from_model, Scores scores = Scores::found_out) {
  Result<std::string> made = answer(asked(), from_model, "ours", scores);
  return made ? *made : made.error().detail;
}

TEST(RerankAnswer, EveryServersShapeBecomesOne) {
  const std::string want = R"({"model":"ours","object":"list","results":[{"index":2,"relevance_score":0.75},)"
                           R"({"index":0,"relevance_score":0.5}])";
  for (
      const char* shape :
      {R"({"results":[{"index":0,"relevance_score":0.5},{"index":1,"relevance_score":0.25},{"index":2,"relevance_score":0.75}]})",
       R"({"id":"x","results":[{"index":2,"document":{"text":"c"},"relevance_score":0.75},{"index":0,"relevance_score":0.5}]})",
       R"([{"index":2,"score":0.75},{"index":0,"score":0.5},{"index":1,"score":0}])",
       R"({"data":[{"index":1,"score":0},{"index":0,"score":0.5},{"index":2,"score":0.75}]})"}) {
    EXPECT_EQ(answered(shape), want + "}") << shape;
  }
  EXPECT_EQ(
      answered(
          R"({"usage":{"total_tokens":9},"results":[{"index":2,"relevance_score":0.75},{"index":0,"relevance_score":0.5}]})"),
      want + R"(,"usage":{"total_tokens":9}})");
}

TEST(RerankAnswer, LogitsGoThroughASigmoid) {
  const char* logits =
      R"({"results":[{"index":0,"relevance_score":0},{"index":1,"relevance_score":-50},{"index":2,"relevance_score":50}]})";
  EXPECT_NE(answered(logits).find(R"({"index":2,"relevance_score":1},{"index":0,"relevance_score":0.5})"),
            std::string::npos);
  const char* unsure = R"({"results":[{"index":0,"relevance_score":0}]})";
  EXPECT_NE(answered(unsure, Scores::logits).find(R"("relevance_score":0.5)"), std::string::npos);
  EXPECT_NE(answered(unsure).find(R"("relevance_score":0})"), std::string::npos);
  EXPECT_NE(answered(logits, Scores::unit).find(R"({"index":2,"relevance_score":1},{"index":0,"relevance_score":0})"),
            std::string::npos);
}

TEST(RerankAnswer, NonsenseIsNoRanking) {
  for (const char* nonsense :
       {"", "{}", "[1]", "<html>", R"({"results":{}})", R"({"results":[{"index":0}]})",
        R"({"results":[{"index":3,"relevance_score":1}]})", R"({"results":[{"index":-1,"relevance_score":1}]})",
        R"({"results":[{"index":0,"relevance_score":"1"}]})", R"({"results":[{"index":0,"relevance_score":1e999}]})",
        R"({"results":[{"index":0,"relevance_score":1},{"index":0,"relevance_score":0}]})",
        R"([{"index":0,"score":1})"}) {
    EXPECT_FALSE(answer(asked(), nonsense, "m", Scores::found_out)) << nonsense;
  }
}

TEST(RerankAnswer, DocumentsComeBackWhenAskedFor) {
  const Asked with = asked(R"({"query":"q","documents":["a","b",{"text":"c"}],"return_documents":true})");
  Result<std::string> made = answer(with, R"([{"index":2,"score":1},{"index":1,"score":0}])", "m", Scores::unit);
  ASSERT_TRUE(made);
  EXPECT_NE(made->find(R"("document":{"text":"c"}},{"index":1,"relevance_score":0,"document":{"text":"b"}})"),
            std::string::npos)
      << *made;
}

TEST(RerankByVectors, AsksForAllTextsAtOnce) {
  Result<std::string> body = as_embeddings(asked(), "their \"name\"");
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, R"({"model":"their \"name\"","input":["q","a","b","c"],"encoding_format":"float"})");
  EXPECT_FALSE(as_embeddings(asked(R"({"query":"q","documents":[1]})"), "m"));
  EXPECT_FALSE(as_embeddings(asked(R"({"query":"q","documents":[{"image":"x"}]})"), "m"));
}

TEST(RerankByVectors, CosinesAreScores) {
  Result<std::string> made = from_embeddings(
      asked(),
      R"({"data":[{"embedding":[1,0]},{"embedding":[0,2]},{"embedding":[2,0]},{"embedding":[-1,0]}],"usage":{"prompt_tokens":4,"total_tokens":4}})",
      "m");
  ASSERT_TRUE(made);
  EXPECT_NE(made->find(R"([{"index":1,"relevance_score":1},{"index":0,"relevance_score":0}])"), std::string::npos)
      << *made;
}

TEST(RerankByVectors, VectorsMustFit) {
  for (const char* wrong :
       {R"({"data":[]})", R"({"data":[{"embedding":[1,0]},{"embedding":[1,0]},{"embedding":[1,0]}]})",
        R"({"data":[{"embedding":[1,0]},{"embedding":[1]},{"embedding":[1,0]},{"embedding":[1,0]}]})",
        R"({"data":[{"embedding":[1,0]},{"embedding":"AAAA"},{"embedding":[1,0]},{"embedding":[1,0]}]})",
        R"({"data":[{"embedding":[1]},{"embedding":[1]},{"embedding":[1]},{"embedding":[1]},{"embedding":[1]}]})"}) {
    EXPECT_FALSE(from_embeddings(asked(), wrong, "m")) << wrong;
  }
}

}  // namespace
}  // namespace intragate::dialect::rerank

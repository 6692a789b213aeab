#include "dialect/known_answers.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::dialect {
namespace {

constexpr llm::Usage kUsage{11, 7, llm::UsageSource::upstream};

std::string answer(std::string_view name) {
  return R"({"id":"a",")" + std::string{name} + R"(":1,"usage":{"prompt_tokens":11,"completion_tokens":7}})";
}

bool knows(const KnownAnswers& known, std::string_view name) {
  return known.usage_in(llm::Api::chat, answer(name)).has_value();
}

TEST(KnownAnswers, HaveTheUsageThatStandsInThem) {
  KnownAnswers known;
  EXPECT_FALSE(knows(known, "x"));
  known.learn(llm::Api::chat, answer("x"), kUsage);
  const std::optional<llm::Usage> usage =
      known.usage_in(llm::Api::chat, R"({"id":"b","x":2,"usage":{"prompt_tokens":3,"completion_tokens":0}})");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->prompt_tokens, 3U);
  EXPECT_EQ(usage->completion_tokens, 0U);
  EXPECT_EQ(usage->source, llm::UsageSource::upstream);
  EXPECT_FALSE(known.usage_in(llm::Api::completions, answer("x"))) << "there `object` has another name";
}

TEST(KnownAnswers, LearnOnlyWhereTheCountsAreFound) {
  KnownAnswers known;
  known.learn(llm::Api::chat, answer("x"), {12, 7, llm::UsageSource::upstream});
  EXPECT_FALSE(knows(known, "x")) << "somebody else found others";
  const std::string without = R"({"id":"a"})";
  known.learn(llm::Api::chat, without, kUsage);
  EXPECT_FALSE(known.usage_in(llm::Api::chat, without));
}

TEST(KnownAnswers, KeepTheLastFew) {
  KnownAnswers known;
  for (const char* name : {"a", "b", "c", "d", "e"}) known.learn(llm::Api::chat, answer(name), kUsage);
  EXPECT_FALSE(knows(known, "a")) << "the oldest made room";
  for (const char* name : {"b", "c", "d", "e"}) EXPECT_TRUE(knows(known, name)) << name;
}

}  // namespace
}  // namespace intragate::dialect

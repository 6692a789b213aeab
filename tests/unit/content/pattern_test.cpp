#include "content/pattern.h"

#include <gtest/gtest.h>

#include "content/prefix_pattern.h"

namespace intragate::content {
namespace {

std::size_t begun(std::string_view expression, std::string_view text) {
  Result<Pattern> pattern = Pattern::make(expression);
  EXPECT_TRUE(pattern) << expression << ": " << (pattern ? "" : pattern.error().message);
  return pattern ? pattern->begun(text, 0) : 0;
}

TEST(Pattern, KnowsWhereAMatchMayHaveBegun) {
  EXPECT_EQ(begun("PRJ-[0-9]{4}", "see PRJ-1"), 4U);
  EXPECT_EQ(begun("PRJ-[0-9]{4}", "see PRJ-1."), 10U);
  EXPECT_EQ(begun("PRJ-[0-9]{4}", "see PRJ-1234"), 4U) << "whole: what follows may matter to \\b";
  EXPECT_EQ(begun("PRJ-[0-9]{4}", "see PRJ-12345"), 13U);
  EXPECT_EQ(begun("(?i)top +secret", "a ToP   se"), 2U);
  EXPECT_EQ(begun("(ab|cd)+e", "xabcda"), 1U);
  EXPECT_EQ(begun("(ab|cd)+e", "xabcdb"), 6U);
  EXPECT_EQ(begun("^a\\b", "ba"), 1U) << "a little more than there is";
  EXPECT_EQ(begun("项目[一二]", "这项目"), 3U);
  EXPECT_EQ(begun("(?P<n>x{2,3})(?:y?z|w{0}v)", "xxxy"), 0U);
  EXPECT_EQ(begun("a{b", "a{"), 0U) << "a brace that stands for itself";
  EXPECT_EQ(begun("[]a-c[:digit:]]x", "]"), 0U);
  EXPECT_EQ(begun("\\p{Han}\\pN\\x41\\x{42}", "中1A"), 0U);
  EXPECT_EQ(begun("\\d{3}?x", "12"), 0U);
}

TEST(Pattern, WhatCannotBeUsedIsRefused) {
  for (const std::string_view bad :
       {"",        "a*",     "(",      ")",       "a(b", "[a",
        "\\Qa\\E", "\\1",    "a(?i)b", "x{1001}", "*a",  "((((((((((((((((((a))))))))))))))))))",
        "a\\",     "(?=a)b", "(?P<n",  "a?\\b",   "\\B", "(?m)^x*",
        "(?m)a*$", "x?\\z"}) {
    EXPECT_FALSE(Pattern::make(bad)) << bad;
  }
  EXPECT_FALSE(Pattern::make(std::string(kLongestPattern + 1, 'a')));
  EXPECT_FALSE(Pattern::make("((a{900}){900}){900}")) << "too large";
  EXPECT_TRUE(Pattern::make(std::string(kLongestPattern, 'a')));
}

TEST(Pattern, FindsTheLongestOfThoseThatBeginFirst) {
  const Pattern pattern = *Pattern::make("ab|abc|bcd");
  const auto found = pattern.find("xabcd", 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->begin, 1U);
  EXPECT_EQ(found->end, 4U);
  EXPECT_FALSE(pattern.find("xabcd", 3));
  EXPECT_FALSE(Pattern::make(R"(\bkey)")->find("monkey", 3)) << "looks back";
}

}  // namespace
}  // namespace intragate::content

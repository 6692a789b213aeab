#include "tokenizer/unigram.h"

#include <gtest/gtest.h>

namespace intragate::tokenizer {
namespace {

Unigram letters(bool byte_fallback = false) {
  return Unigram{
      {{"<unk>", 0}, {"a", -1}, {"b", -2}, {"ab", -2.5}, {"abc", -9}, {"c", -1}, {"<0xC3>", -20}, {"<0xA4>", -20}},
      byte_fallback};
}

TEST(Unigram, TakesTheLikeliestTokens) {
  EXPECT_EQ(letters().count(""), 0U);
  EXPECT_EQ(letters().count("a"), 1U);
  EXPECT_EQ(letters().count("ab"), 1U);   // -2.5 before -3
  EXPECT_EQ(letters().count("abc"), 2U);  // ab c, -3.5 before -9
  EXPECT_EQ(letters().count("cab"), 2U);
}

TEST(Unigram, UnknownCharactersInARowAreOne) {
  EXPECT_EQ(letters().count("xyz"), 1U);
  EXPECT_EQ(letters().count("xaäöb"), 4U);
  EXPECT_EQ(letters().count("\xC3"), 1U);  // no character at all
}

TEST(Unigram, OrTheirBytesWhereThoseAreTokens) {
  EXPECT_EQ(letters(true).count("ä"), 2U);
  EXPECT_EQ(letters(true).count("aäb"), 4U);
  EXPECT_EQ(letters(true).count("äö"), 1U);  // one of its bytes is none
}

TEST(Unigram, AnEmptyVocabularyKnowsNothing) {
  EXPECT_EQ((Unigram{{}, false}.count("ab")), 1U);
}

}  // namespace
}  // namespace intragate::tokenizer

#include "tokenizer/word_piece.h"

#include <gtest/gtest.h>

namespace intragate::tokenizer {
namespace {

std::size_t count(std::string_view word, WordPiece::Options options = {}) {
  WordPiece model{std::move(options)};
  for (const char* const token : {"[UNK]", "un", "##able", "##a", "##ble", "unab", "ä", "##ü"}) model.add_token(token);
  return model.count(word);
}

TEST(WordPiece, TakesTheLongestTokenEachTime) {
  EXPECT_EQ(count(""), 0U);
  EXPECT_EQ(count("un"), 1U);
  EXPECT_EQ(count("unable"), 1U) << "unab is longer than un, and ##le is none: unknown";
  EXPECT_EQ(count("unaaable"), 4U);
  EXPECT_EQ(count("äü"), 2U);
}

TEST(WordPiece, AWordThatIsNotMadeOfTokensIsOne) {
  EXPECT_EQ(count("unx"), 1U);
  EXPECT_EQ(count("x"), 1U);
  EXPECT_EQ(count("able"), 1U);
}

TEST(WordPiece, AndSoIsOneThatIsTooLong) {
  EXPECT_EQ(count("unaaa"), 4U);
  EXPECT_EQ(count("unaaa", {.longest_word = 4}), 1U);
  EXPECT_EQ(count("unaaa", {.prefix = "", .longest_word = 9}), 1U);
}

}  // namespace
}  // namespace intragate::tokenizer

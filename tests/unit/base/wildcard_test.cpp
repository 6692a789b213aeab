#include "base/wildcard.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate {
namespace {

TEST(Wildcard, AStarIsAnyRunOfLetters) {
  EXPECT_TRUE(matches_wildcard("", ""));
  EXPECT_TRUE(matches_wildcard("*", ""));
  EXPECT_TRUE(matches_wildcard("**", "abc"));
  EXPECT_TRUE(matches_wildcard("a*c", "ac"));
  EXPECT_TRUE(matches_wildcard("a*c", "abcbc"));
  EXPECT_TRUE(matches_wildcard("*ab*ab", "xabyabab"));
  EXPECT_FALSE(matches_wildcard("", "a"));
  EXPECT_FALSE(matches_wildcard("a*c", "abcd"));
  EXPECT_FALSE(matches_wildcard("a*c", "xabc"));
  EXPECT_FALSE(matches_wildcard("*ab*ab", "ab"));
}

TEST(Wildcard, NothingElseIsSpecial) {
  EXPECT_TRUE(matches_wildcard("a?[b]\\.", "a?[b]\\."));
  EXPECT_FALSE(matches_wildcard("a?", "ab"));
  EXPECT_FALSE(matches_wildcard("a.", "ab"));
}

// What a backtracking matcher takes years for.
TEST(Wildcard, ManyStarsAreNoTrap) {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "a*";
  EXPECT_FALSE(matches_wildcard(pattern + "b", std::string(10'000, 'a')));
}

// Every pattern and text of up to five letters, against the definition.
bool by_definition(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*')
    return !text.empty() && text[0] == pattern[0] && by_definition(pattern.substr(1), text.substr(1));
  return by_definition(pattern.substr(1), text) || (!text.empty() && by_definition(pattern, text.substr(1)));
}

std::vector<std::string> words(std::string_view letters, std::size_t longest) {
  std::vector<std::string> all{""};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].size() == longest) continue;
    for (const char c : letters) all.push_back(all[i] + c);
  }
  return all;
}

TEST(Wildcard, IsWhatItsDefinitionSays) {
  for (const std::string& pattern : words("ab*", 5)) {
    for (const std::string& text : words("ab", 5)) {
      ASSERT_EQ(matches_wildcard(pattern, text), by_definition(pattern, text)) << pattern << " " << text;
    }
  }
}

}  // namespace
}  // namespace intragate

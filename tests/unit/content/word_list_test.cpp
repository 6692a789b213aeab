#include "content/word_list.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/random.h"

namespace intragate::content {
namespace {

// Every place where a word ends, with the longest word that does.
std::vector<std::pair<std::size_t, std::size_t>> ends_in(const WordList& words, std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> ends;
  WordList::State state = WordList::kStart;
  for (std::size_t i = 0; i < text.size(); ++i) {
    state = words.next(state, text[i]);
    if (words.word_length(state) > 0) ends.emplace_back(i + 1, words.word_length(state));
  }
  return ends;
}

std::vector<std::pair<std::size_t, std::size_t>> ends_by_hand(const std::vector<std::string>& words,
                                                              std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> ends;
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::size_t longest = 0;
    for (const std::string& word : words) {
      if (text.substr(0, end).ends_with(word)) longest = std::max(longest, word.size());
    }
    if (longest > 0) ends.emplace_back(end, longest);
  }
  return ends;
}

TEST(WordList, FindsWordsInsideOfWordsInBothCases) {
  const WordList words = *WordList::make({"he", "she", "hers", "机密"});
  EXPECT_EQ(ends_in(words, "uSHErs"), (std::vector<std::pair<std::size_t, std::size_t>>{{4, 3}, {6, 4}}));
  EXPECT_EQ(ends_in(words, "绝机密x"), (std::vector<std::pair<std::size_t, std::size_t>>{{9, 6}}));
}

TEST(WordList, AgreesWithLookingForEachWord) {
  Random random{7};
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> words;
    for (std::uint64_t i = random.next() % 12 + 1; i > 0; --i) {
      std::string word;
      for (std::uint64_t size = random.next() % 5 + 1; size > 0; --size)
        word += static_cast<char>('a' + random.next() % 3);
      words.push_back(word);
    }
    std::string text;
    for (int i = 0; i < 60; ++i) text += static_cast<char>('a' + random.next() % 3);
    EXPECT_EQ(ends_in(*WordList::make(words), text), ends_by_hand(words, text)) << round;
  }
}

TEST(WordList, HoldsAHundredThousandWords) {
  Random random{3};
  std::vector<std::string> words;
  for (int i = 0; i < 100'000; ++i) {
    std::string word;
    for (int c = 0; c < 4; ++c)
      word += {'\xe4', static_cast<char>(0xb8 + random.next() % 8), static_cast<char>(0x80 + random.next() % 64)};
    words.push_back(word);
  }
  const std::string last = words.back();
  const Result<WordList> list = WordList::make(std::move(words));
  ASSERT_TRUE(list);
  EXPECT_LT(list->states(), 1'300'000U);
  EXPECT_EQ(ends_in(*list, "x" + last), (std::vector<std::pair<std::size_t, std::size_t>>{{13, 12}}));
}

TEST(WordList, RefusesWhatWouldBeFoundEverywhereOrNeverHeld) {
  EXPECT_FALSE(WordList::make({""}));
  EXPECT_FALSE(WordList::make({std::string(kLongestWord + 1, 'a')}));
  EXPECT_TRUE(WordList::make({std::string(kLongestWord, 'a')}));
  EXPECT_TRUE(WordList::make({})->empty());
}

}  // namespace
}  // namespace intragate::content

// Words to look for, many thousands at once: an automaton that reads each byte
// once, however many words there are. ASCII letters count as the same in both
// cases. Owner: the configuration's snapshot; immutable. Thread: any. Does not:
// know where words begin and end (Chinese has no spaces): a word inside of
// another is found too. Rule: Aho and Corasick 1975, its states in the order of
// their depth, so that a state's children lie side by side: 13 bytes a state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace intragate::content {

inline constexpr std::size_t kLongestWord = 256;
inline constexpr std::size_t kMostWordBytes = 64U << 20U;

class WordList {
 public:
  using State = std::uint32_t;
  static constexpr State kStart = 0;

  WordList() : WordList{std::vector<std::string>{}} {}
  // Errors: invalid_configuration: a word that is empty or too long, or too
  // much in all.
  static Result<WordList> make(std::vector<std::string> words);

  [[nodiscard]] State next(State state, char c) const;
  // Length of the longest word that ends where the automaton stands; 0: none.
  [[nodiscard]] std::size_t word_length(State state) const { return length_[state]; }
  // How many of the bytes just read may begin a word.
  [[nodiscard]] std::size_t depth(State state) const { return depth_[state]; }
  [[nodiscard]] bool empty() const { return label_.size() == 1; }
  [[nodiscard]] std::size_t states() const { return label_.size(); }

 private:
  explicit WordList(const std::vector<std::string>& words);
  void lay_out(const std::vector<std::string>& words);
  void link();
  [[nodiscard]] State child(State state, char c) const;

  std::vector<std::uint32_t> first_child_;  // one more than there are states: the last one's end
  std::vector<State> fallback_;
  std::vector<std::uint16_t> length_;
  std::vector<std::uint16_t> depth_;
  std::vector<char> label_;
};

}  // namespace intragate::content

// The WordPiece model of BERT and its like: the longest token that a word begins with, then the longest that the rest
// does. Owner: a tokenizer. Thread: built by one, then any number may count.
// Does not: cut text into words (split.h). Rule: Hugging Face `tokenizers`, models/wordpiece: a word that is not made
// of tokens, or too long, is one unknown token.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

namespace intragate::tokenizer {

class WordPiece {
 public:
  struct Options {
    std::string prefix = "##";  // of what does not begin a word
    std::size_t longest_word = 100;
  };
  explicit WordPiece(Options options) : options_{std::move(options)} {}
  void add_token(std::string text);

  [[nodiscard]] std::size_t count(std::string_view word) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  [[nodiscard]] std::size_t longest_token(std::string_view text, bool inside, std::string& scratch) const;

  Options options_;
  std::unordered_set<std::string, Hash, std::equal_to<>> tokens_;
  std::size_t longest_ = 0;  // bytes of a token
};

}  // namespace intragate::tokenizer

// The Unigram model of SentencePiece (T5, XLM-R, Gemma's embedder …): of all ways to cut a word into tokens the most
// likely one. Owner: a tokenizer. Thread: built by one, then any number may count.
// Does not: cut text into words (split.h). Rule: Hugging Face `tokenizers`, models/unigram: unknown characters in a row
// are one token, or their bytes' tokens where there are such.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace intragate::tokenizer {

class Unigram {
 public:
  // `tokens`: with their scores. The first of two that are the same counts.
  Unigram(std::vector<std::pair<std::string, double>> tokens, bool byte_fallback);

  [[nodiscard]] std::size_t count(std::string_view word) const;

 private:
  struct Node {  // the children of one stand side by side, in the order of their bytes
    std::uint32_t first_child = 0;
    std::uint32_t token = UINT32_MAX;  // whose last byte this is
    std::uint16_t children = 0;
    unsigned char byte = 0;
  };
  // The best way to what ends at a byte.
  struct Way {
    double score = 0;
    std::uint32_t begin = UINT32_MAX;  // of its last token; UINT32_MAX: there is no way
    bool unknown = false;
  };
  void build(const std::vector<std::pair<std::string, double>>& sorted);
  [[nodiscard]] const Node* child(const Node& of, unsigned char byte) const;
  [[nodiscard]] bool is_token(std::string_view text) const;
  [[nodiscard]] std::vector<Way> ways(std::string_view word) const;
  [[nodiscard]] std::size_t count_unknown(std::string_view text) const;

  std::vector<Node> nodes_;  // the first is the root
  std::vector<double> scores_;
  double unknown_score_ = 0;
  bool byte_fallback_ = false;
  std::array<bool, 256> has_byte_{};
};

}  // namespace intragate::tokenizer

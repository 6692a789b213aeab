// A model's own tokenizer, read from its tokenizer.json, to count the tokens of a text exactly.
// Owner: the configuration, unchanged for ever; some 100 bytes for each token and merge. Thread: made by one, then any
// number may count. Does not: return tokens, count those of a post-processor (BOS; frame()): a rendered prompt has its
// own. Rule: Hugging Face `tokenizers`; models of the kinds BPE (byte-level, and SentencePiece's with or without bytes
// as the last resort), Unigram and WordPiece. Others are refused when the file is read.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenizer/model.h"
#include "tokenizer/normalizer.h"
#include "tokenizer/split.h"

namespace intragate::tokenizer {

inline constexpr std::size_t kLargestFile = 64 * 1024 * 1024;

class Tokenizer {
 public:
  // Errors: invalid_configuration.
  [[nodiscard]] static Result<Tokenizer> make(std::string_view json);

  // Nothing when the text cannot be counted within bounds. The text should be
  // UTF-8; special tokens' texts count as one.
  [[nodiscard]] std::optional<std::size_t> count(std::string_view text) const;
  // Special tokens that the tokenizer itself puts around a text (BOS and the like), where a server does not keep it
  // from doing so.
  [[nodiscard]] std::size_t frame() const { return frame_; }
  // Texts that the tokenizer marks special.
  [[nodiscard]] const std::vector<std::string>& special() const { return special_; }

 private:
  struct Added {
    std::string text;
    bool takes_left = false;   // white space before it is part of it
    bool takes_right = false;  // 〃 behind it
  };
  Tokenizer(Normalizer normalizer, Splitter splitter, Model model)
      : normalizer_{std::move(normalizer)}, splitter_{std::move(splitter)}, model_{std::move(model)} {}
  void add_tokens(const jinja::Value& added);
  [[nodiscard]] const Added* added_at(std::string_view text) const;
  [[nodiscard]] std::optional<std::size_t> count_plain(std::string_view text, bool first) const;

  Normalizer normalizer_;
  Splitter splitter_;
  Model model_;
  std::vector<Added> added_;  // the longest first
  std::vector<bool> begins_added_ = std::vector<bool>(256);
  std::vector<std::string> special_;
  std::size_t frame_ = 0;
};

}  // namespace intragate::tokenizer

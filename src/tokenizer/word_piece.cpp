#include "tokenizer/word_piece.h"

#include <algorithm>

#include "jinja/text.h"

namespace intragate::tokenizer {

void WordPiece::add_token(std::string text) {
  longest_ = std::max(longest_, text.size());
  tokens_.insert(std::move(text));
}

// How many bytes of the text are the longest token that it begins with; 0: none.
std::size_t WordPiece::longest_token(std::string_view text, bool inside, std::string& scratch) const {
  scratch = inside ? options_.prefix : std::string{};
  const std::size_t before = scratch.size();
  scratch += text.substr(0, longest_ - std::min(longest_, before));
  while (scratch.size() > before) {
    if (tokens_.contains(std::string_view{scratch})) return scratch.size() - before;
    do scratch.pop_back();
    while (scratch.size() > before && (static_cast<unsigned char>(text[scratch.size() - before]) & 0xC0U) == 0x80U);
  }
  return 0;
}

std::size_t WordPiece::count(std::string_view word) const {
  if (jinja::count_characters(word) > options_.longest_word) return 1;
  std::string scratch;
  std::size_t tokens = 0;
  for (std::size_t at = 0; at < word.size(); ++tokens) {
    const std::size_t size = longest_token(word.substr(at), at > 0, scratch);
    if (size == 0) return 1;
    at += size;
  }
  return tokens;
}

}  // namespace intragate::tokenizer

// Byte pair encoding: how many tokens a word becomes when the pair of neighbours that was learnt first is joined again
// and again. Owner: a tokenizer. Thread: built by one, then any number may count.
// Does not: cut text into words (split.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace intragate::tokenizer {

class Bpe {
 public:
  enum class Symbols : std::uint8_t { bytes, characters };  // what a word begins as

  struct Options {
    Symbols symbols = Symbols::bytes;
    bool byte_fallback = false;  // a character that is no token becomes its
                                 // bytes' tokens `<0x0A>`
    bool fuse_unknown = false;   // unknown characters in a row are one token
    bool whole_words = false;    // a word that is a token is that token (`ignore_merges`)
  };

  explicit Bpe(Options options) : options_{options} {}

  void add_token(std::string_view text, std::uint32_t id);
  // False when one of the two, or both together, is no token.
  bool add_merge(std::string_view left, std::string_view right);
  void finish();  // after the last token and merge

  [[nodiscard]] std::size_t count(std::string_view word) const;
  [[nodiscard]] bool knows(std::string_view text) const { return tokens_.contains(text); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  struct Merge {
    std::uint32_t rank = 0;
    std::uint32_t joined = 0;
  };
  struct PairHash {
    std::size_t operator()(std::uint64_t pair) const { return (pair ^ (pair >> 29U)) * 0x9E3779B97F4A7C15U >> 7U; }
  };
  struct Symbol {
    std::uint32_t id = 0;
    std::int32_t before = -1;
    std::int32_t after = -1;
  };

  [[nodiscard]] const Merge* merge_of(std::uint32_t left, std::uint32_t right) const;
  void begin_with_bytes(std::string_view word, std::vector<Symbol>& out) const;
  void begin_with_characters(std::string_view word, std::vector<Symbol>& out) const;
  [[nodiscard]] std::size_t join_short(std::vector<Symbol>& symbols) const;
  [[nodiscard]] std::size_t join_long(std::vector<Symbol>& symbols) const;

  Options options_;
  std::unordered_map<std::string, std::uint32_t, Hash, std::equal_to<>> tokens_;
  std::unordered_map<std::uint64_t, Merge, PairHash> merges_;
  std::vector<std::uint32_t> byte_ids_;  // of 256
};

// The token that a byte becomes as the last resort: `<0x0A>`.
[[nodiscard]] std::string byte_fallback_token(unsigned byte);
// The character that stands for a byte in the vocabularies of byte-level models.
[[nodiscard]] std::string byte_character(unsigned byte);

}  // namespace intragate::tokenizer

// Looks through a text that comes in pieces, as a streamed answer does: what is
// split over two pieces is found all the same, and of what may still become a
// finding at most kMostHeld bytes are held back. However the text is cut into
// pieces, the findings are the same (as long as nothing is longer than that).
// Owner: one call. Thread: its loop. Does not: change the text; whoever called
// masks, refuses or notes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "content/finding.h"
#include "content/personal_data.h"
#include "content/word_list.h"

namespace intragate::content {

inline constexpr std::size_t kMostHeld = 1024;

class Scanner {
 public:
  // What may go on: the text, and what was found in it. Views until the next
  // call.
  struct Cleared {
    std::string_view text;
    std::uint64_t offset = 0;  // of its first byte in the whole text
    std::span<const Finding> found;
  };

  // `words` must outlive the scanner.
  Scanner(Kinds kinds, const WordList& words) : kinds_{kinds}, words_{words} {}

  [[nodiscard]] Cleared feed(std::string_view piece);
  // The rest: nothing follows.
  [[nodiscard]] Cleared finish();
  [[nodiscard]] std::size_t held() const { return text_.size() - gone_; }

 private:
  void read_words(std::size_t from);
  void add_word(Finding word);
  [[nodiscard]] std::size_t undecided() const;
  Cleared clear(std::size_t end);

  Kinds kinds_;
  const WordList& words_;
  WordList::State state_ = WordList::kStart;
  std::string text_;                  // what was cleared last, then what is held
  std::size_t gone_ = 0;              // bytes of `text_` that were cleared last
  std::uint64_t offset_ = 0;          // of text_[0] in the whole text
  std::vector<Finding> words_found_;  // in what is held, in order, none overlapping
  std::vector<Finding> found_;        // in what was cleared last
};

}  // namespace intragate::content

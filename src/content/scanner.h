// Looks through a text that comes in pieces, as a streamed answer does: what is split over two pieces is found all the
// same, and only what may still become a finding is held back, at most kMostHeld bytes. However the text is cut into
// pieces, the findings are the same (as long as nothing is longer than that; of what is longer only parts are found).
// Owner: one text. Thread: its loop. Does not: change the text; whoever called masks, refuses or notes (filter.h).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "content/finding.h"
#include "content/rule.h"

namespace intragate::content {

inline constexpr std::size_t kMostHeld = 1024;

class Scanner {
 public:
  // What may go on: the text, and what was found in it. Views until the next call.
  struct Cleared {
    std::string_view text;
    std::uint64_t offset = 0;        // of its first byte in the whole text
    std::span<const Finding> found;  // by their beginning; those of different rules may overlap
  };

  // `rules` must outlive the scanner.
  explicit Scanner(const Rules& rules);

  [[nodiscard]] Cleared feed(std::string_view piece);
  // The rest: nothing follows.
  [[nodiscard]] Cleared finish();
  [[nodiscard]] std::size_t held() const { return text_.size() - begin_; }

 private:
  // What is kept for one rule.
  struct Reading {
    WordList::State state = WordList::kStart;
    std::vector<Finding> words;  // in what is held, in order, none overlapping
  };
  void forget_cleared();
  void read_words(std::size_t from);
  void find_patterns();
  [[nodiscard]] std::size_t undecided();
  void note_late();
  [[nodiscard]] std::size_t before_findings(std::size_t end) const;
  Cleared clear(std::size_t end);
  void clear_words(std::size_t rule, std::uint64_t limit);
  void add_personal_data(std::string_view text);

  const Rules& rules_;
  Kinds kinds_;  // of all rules
  std::vector<Reading> readings_;
  std::string text_;              // a little of what is gone, what was cleared last, what is held
  std::size_t begin_ = 0;         // of text_: what is held, or, while it is being cleared, was
  std::uint64_t offset_ = 0;      // of text_[0] in the whole text
  std::vector<Finding> matches_;  // of patterns, in what was held
  std::vector<Finding> late_;     // scratch: words and matches that reach into the last kMostHeld bytes, the last first
  std::vector<Finding> personal_;  // scratch
  std::vector<Finding> found_;     // in what was cleared last
  bool has_patterns_ = false;
};

}  // namespace intragate::content

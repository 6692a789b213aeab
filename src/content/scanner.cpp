#include "content/scanner.h"

#include <algorithm>

namespace intragate::content {
namespace {

// `end`, or where the run begins that would be cut there. A run that is too
// long to hold anything is cut.
std::size_t run_before(std::size_t end, std::string_view text) {
  const bool goes_on = end == text.size() || text[end] == ' ' || is_run_character(text[end]);
  const std::size_t run = last_run(text.substr(0, end));
  return goes_on && end - run <= kLongestRun ? run : end;
}

}  // namespace

Scanner::Cleared Scanner::feed(std::string_view piece) {
  text_.erase(0, gone_);
  offset_ += gone_;
  gone_ = 0;
  const std::size_t from = text_.size();
  text_ += piece;
  read_words(from);
  std::size_t end = undecided();
  // A crowd of letters without an end is no finding any more: what is held
  // stays bounded.
  if (text_.size() - end > kMostHeld) end = text_.size() - kMostHeld;
  return clear(end);
}

Scanner::Cleared Scanner::finish() {
  text_.erase(0, gone_);
  offset_ += gone_;
  gone_ = 0;
  return clear(text_.size());
}

void Scanner::read_words(std::size_t from) {
  if (words_.empty()) return;
  for (std::size_t i = from; i < text_.size(); ++i) {
    state_ = words_.next(state_, text_[i]);
    const std::size_t length = words_.word_length(state_);
    if (length > 0) add_word({offset_ + i + 1 - length, offset_ + i + 1, Kind::word});
  }
}

// Words that overlap are one finding.
void Scanner::add_word(Finding word) {
  while (!words_found_.empty() && words_found_.back().end > word.begin) {
    word.begin = std::min(word.begin, words_found_.back().begin);
    words_found_.pop_back();
  }
  words_found_.push_back(word);
}

// Where the text begins that what follows may still make a finding of. Never in
// the middle of a word that was found, nor of a run: what is before it must be
// whole.
std::size_t Scanner::undecided() const {
  const std::string_view text{text_};
  std::size_t end = text.size() - std::min<std::size_t>(text.size(), words_.depth(state_));
  for (std::size_t before = text.size() + 1; end < before;) {
    before = end;
    for (auto word = words_found_.rbegin(); word != words_found_.rend(); ++word) {
      if (word->begin < offset_ + end && word->end > offset_ + end)
        end = static_cast<std::size_t>(word->begin - offset_);
    }
    end = run_before(end, text);
  }
  return end;
}

Scanner::Cleared Scanner::clear(std::size_t end) {
  found_.clear();
  const std::string_view text = std::string_view{text_}.substr(0, end);
  find_personal_data(text, kinds_, offset_, found_);
  const std::uint64_t limit = offset_ + end;
  std::size_t words = 0;
  while (words < words_found_.size() && words_found_[words].begin < limit) {
    Finding word = words_found_[words];
    if (word.end > limit) {  // only when too much was held: the rest of it is
                             // another finding
      words_found_[words].begin = limit;
      word.end = limit;
      found_.push_back(word);
      break;
    }
    found_.push_back(word);
    ++words;
  }
  words_found_.erase(words_found_.begin(), words_found_.begin() + static_cast<std::ptrdiff_t>(words));
  std::sort(found_.begin(), found_.end(), [](const Finding& a, const Finding& b) { return a.begin < b.begin; });
  gone_ = end;
  return {.text = text, .offset = offset_, .found = found_};
}

}  // namespace intragate::content

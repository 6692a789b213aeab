#include "content/scanner.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace intragate::content {
namespace {

constexpr std::size_t kContext = 4;  // bytes before what is looked through: \b looks back

void add_word(std::vector<Finding>& words, Finding word) {
  while (!words.empty() && words.back().end > word.begin) {  // words that overlap are one finding
    word.begin = std::min(word.begin, words.back().begin);
    words.pop_back();
  }
  words.push_back(word);
}

// Where the character begins that the text's end has cut; its size: none.
std::size_t cut_character(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0U) == 0x80U) continue;
    const std::size_t length = byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

// `end`, or where the run begins that would be cut there. A run that is too long to hold anything is cut.
std::size_t run_before(std::string_view text, std::size_t end, Kinds kinds) {
  const bool goes_on = end == text.size() || text[end] == ' ' || is_run_character(text[end]);
  const std::size_t run = last_run(text.substr(0, end), kinds);
  return goes_on && end - run <= kLongestRun ? run : end;
}

}  // namespace

Scanner::Scanner(const Rules& rules) : rules_{rules}, readings_(rules.size()) {
  for (const Rule* rule : rules) {
    kinds_ |= rule->kinds;
    has_patterns_ = has_patterns_ || !rule->patterns.empty();
  }
}

void Scanner::forget_cleared() {
  const std::size_t gone = begin_ - std::min(begin_, kContext);
  text_.erase(0, gone);
  offset_ += gone;
  begin_ -= gone;
}

Scanner::Cleared Scanner::feed(std::string_view piece) {
  forget_cleared();
  const std::size_t from = text_.size();
  text_ += piece;
  read_words(from);
  find_patterns();
  std::size_t end = undecided();
  // A crowd of letters without an end is no finding any more: what is held stays bounded.
  if (text_.size() - end > kMostHeld) {
    end = text_.size() - kMostHeld;
    while (end > begin_ && (static_cast<unsigned char>(text_[end]) & 0xC0U) == 0x80U &&
           text_.size() - end < kMostHeld) {
      --end;
    }
  }
  return clear(end);
}

Scanner::Cleared Scanner::finish() {
  forget_cleared();
  find_patterns();
  return clear(text_.size());
}

void Scanner::read_words(std::size_t from) {
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    const WordList& list = rules_[rule]->words;
    if (list.empty()) continue;
    Reading& reading = readings_[rule];
    for (std::size_t i = from; i < text_.size(); ++i) {
      reading.state = list.next(reading.state, text_[i]);
      const std::size_t length = list.word_length(reading.state);
      if (length == 0) continue;
      const std::uint64_t end = offset_ + i + 1;
      // What was let go because too much was held is gone.
      const std::uint64_t begin = std::max(end - length, offset_ + begin_);
      add_word(reading.words, {begin, end, Kind::word, static_cast<std::uint16_t>(rule)});
    }
  }
}

void Scanner::find_patterns() {
  matches_.clear();
  for (std::size_t rule = 0; has_patterns_ && rule < rules_.size(); ++rule) {
    for (const Pattern& pattern : rules_[rule]->patterns) {
      std::size_t from = begin_;
      while (const auto match = pattern.find(text_, from)) {
        matches_.push_back(
            {offset_ + match->begin, offset_ + match->end, Kind::pattern, static_cast<std::uint16_t>(rule)});
        from = match->end;
      }
    }
  }
}

void Scanner::note_late() {
  late_.clear();
  const std::uint64_t from = offset_ + text_.size() - std::min(text_.size(), kMostHeld);
  for (const Reading& reading : readings_) {
    for (auto word = reading.words.rbegin(); word != reading.words.rend() && word->end > from; ++word) {
      late_.push_back(*word);
    }
  }
  std::copy_if(matches_.begin(), matches_.end(), std::back_inserter(late_),
               [from](const Finding& match) { return match.end > from; });
  std::sort(late_.begin(), late_.end(), [](const Finding& a, const Finding& b) { return a.begin > b.begin; });
}

// `end`, or where the finding begins that would be cut there: one after the other where they overlap, which takes one
// pass, because each that steps back begins behind those that come after it.
std::size_t Scanner::before_findings(std::size_t end) const {
  for (const Finding& one : late_) {
    if (one.begin < offset_ + end && one.end > offset_ + end) end = static_cast<std::size_t>(one.begin - offset_);
  }
  return end;
}

// Where the text begins that what follows may still make a finding of. Never in the middle of one that was found, nor
// of a run: what is before it must be whole.
std::size_t Scanner::undecided() {
  const std::string_view text{text_};
  std::size_t end = text.size();
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
    const std::size_t depth = rules_[rule]->words.depth(readings_[rule].state);
    end = std::min(end, text.size() - std::min(text.size() - begin_, depth));
  }
  if (has_patterns_) {
    const std::string_view characters = text.substr(0, std::max(begin_, cut_character(text)));
    end = std::min(end, characters.size());
    const std::size_t from = std::max(begin_, characters.size() - std::min(characters.size(), kMostHeld));
    for (const Rule* rule : rules_) {
      for (const Pattern& pattern : rule->patterns) end = std::min(end, pattern.begun(characters, from));
    }
  }
  note_late();
  // What begins farther back than that will be cut whatever it is.
  for (std::size_t before = end + 1; end < before && end > begin_ && text.size() - end <= kMostHeld;) {
    before = end;
    end = before_findings(end);
    if (kinds_.any()) end = begin_ + run_before(text.substr(begin_), end - begin_, kinds_);
  }
  return std::max(end, begin_);
}

void Scanner::clear_words(std::size_t rule, std::uint64_t limit) {
  std::vector<Finding>& words = readings_[rule].words;
  auto word = words.begin();
  for (; word != words.end() && word->begin < limit; ++word) {
    found_.push_back(*word);
    if (word->end <= limit) continue;
    // Only when too much was held: the rest of it is another finding.
    found_.back().end = limit;
    word->begin = limit;
    break;
  }
  words.erase(words.begin(), word);
}

void Scanner::add_personal_data(std::string_view text) {
  if (kinds_.none()) return;
  personal_.clear();
  find_personal_data(text, kinds_, offset_ + begin_, personal_);
  for (Finding one : personal_) {
    for (std::size_t rule = 0; rule < rules_.size(); ++rule) {
      if (!rules_[rule]->kinds[static_cast<std::size_t>(one.kind)]) continue;
      one.rule = static_cast<std::uint16_t>(rule);
      found_.push_back(one);
    }
  }
}

Scanner::Cleared Scanner::clear(std::size_t end) {
  found_.clear();
  const std::string_view text = std::string_view{text_}.substr(begin_, end - begin_);
  const std::uint64_t limit = offset_ + end;
  add_personal_data(text);
  for (std::size_t rule = 0; rule < rules_.size(); ++rule) clear_words(rule, limit);
  for (const Finding& match : matches_) {
    if (match.begin < limit) found_.push_back({match.begin, std::min(match.end, limit), match.kind, match.rule});
  }
  std::sort(found_.begin(), found_.end(), [](const Finding& a, const Finding& b) {
    return std::tie(a.begin, a.rule, a.kind, a.end) < std::tie(b.begin, b.rule, b.kind, b.end);
  });
  const std::uint64_t offset = offset_ + std::exchange(begin_, end);
  return {.text = text, .offset = offset, .found = found_};
}

}  // namespace intragate::content

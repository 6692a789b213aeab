#include "content/word_list.h"

#include <algorithm>

namespace intragate::content {
namespace {

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Sorted words that share their first `depth` bytes: those of one state.
struct Range {
  std::size_t begin;
  std::size_t end;
};

}  // namespace

Result<WordList> WordList::make(std::vector<std::string> words) {
  std::size_t bytes = 0;
  for (std::string& word : words) {
    if (word.empty()) return make_error(Code::invalid_configuration, "an empty word would be found everywhere");
    if (word.size() > kLongestWord) {
      return make_error(Code::invalid_configuration, "a word has at most " + std::to_string(kLongestWord) + " bytes");
    }
    bytes += word.size();
    std::transform(word.begin(), word.end(), word.begin(), folded);
  }
  if (bytes > kMostWordBytes) return make_error(Code::invalid_configuration, "all words together have at most 64 MiB");
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return WordList{words};
}

WordList::WordList(const std::vector<std::string>& words) {
  lay_out(words);
  link();
}

// Level by level, so that the children of a state are numbered one after the
// other.
void WordList::lay_out(const std::vector<std::string>& words) {
  std::vector<Range> level{{0, words.size()}};
  label_.push_back('\0');
  length_.push_back(0);
  depth_.push_back(0);
  for (std::size_t depth = 0; !level.empty(); ++depth) {
    std::vector<Range> below;
    for (const Range& range : level) {
      first_child_.push_back(static_cast<std::uint32_t>(label_.size()));
      std::size_t at = range.begin;
      while (at < range.end && words[at].size() == depth) ++at;  // the word that ends here
      while (at < range.end) {
        const char c = words[at][depth];
        std::size_t end = at;
        bool is_word = false;
        while (end < range.end && words[end][depth] == c) is_word |= words[end++].size() == depth + 1;
        label_.push_back(c);
        length_.push_back(static_cast<std::uint16_t>(is_word ? depth + 1 : 0));
        depth_.push_back(static_cast<std::uint16_t>(depth + 1));
        below.push_back({at, end});
        at = end;
      }
    }
    level = std::move(below);
  }
  first_child_.push_back(static_cast<std::uint32_t>(label_.size()));
}

WordList::State WordList::child(State state, char c) const {
  const auto begin = label_.begin() + first_child_[state];
  const auto end = label_.begin() + first_child_[state + 1];
  const auto found = std::lower_bound(
      begin, end, c, [](char a, char b) { return static_cast<unsigned char>(a) < static_cast<unsigned char>(b); });
  return found != end && *found == c ? static_cast<State>(found - label_.begin()) : kStart;
}

// A state's fallback is the longest other state that ends with the same bytes;
// it is less deep, and so known already.
void WordList::link() {
  fallback_.assign(label_.size(), kStart);
  for (State state = 0; state < label_.size(); ++state) {
    for (State below = first_child_[state]; below < first_child_[state + 1]; ++below) {
      State from = fallback_[state];
      State to = state == kStart ? kStart : child(from, label_[below]);
      while (to == kStart && from != kStart) {
        from = fallback_[from];
        to = child(from, label_[below]);
      }
      fallback_[below] = to;
      length_[below] = std::max(length_[below], length_[to]);
    }
  }
}

WordList::State WordList::next(State state, char c) const {
  const char wanted = folded(c);
  while (true) {
    const State to = child(state, wanted);
    if (to != kStart || state == kStart) return to;
    state = fallback_[state];
  }
}

}  // namespace intragate::content

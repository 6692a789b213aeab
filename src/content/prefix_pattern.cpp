#include "content/prefix_pattern.h"

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace intragate::content {
namespace {

constexpr int kDeepest = 16;  // groups within groups: each doubles what is made of its inside
constexpr std::size_t kLongest = std::size_t{64} * 1024;  // of what is made

// A part of the expression: as it stands, without what has no width, and its beginnings.
struct Part {
  std::string whole;
  std::string begun;
  bool one_character = false;  // begun: nothing, or all of it
};

std::size_t character_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte >= 0xF0U ? 4 : byte >= 0xE0U ? 3 : byte >= 0xC0U ? 2 : 1;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_{text} {}

  Result<std::string> read() {
    const std::string flags = leading_flags();
    const Part all = alternatives(0);
    if (problem_.empty() && at_ < text_.size()) fail("`)` without `(`");
    if (!problem_.empty()) return make_error(Code::invalid_configuration, problem_);
    return flags + "(?:" + all.begun + ")\\z";
  }

 private:
  bool done() const { return at_ >= text_.size() || !problem_.empty(); }
  bool next_is(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void fail(std::string why) {
    if (problem_.empty()) problem_ = std::move(why);
  }
  // Keeps what grows with depth and length bounded.
  void bound(const Part& part) {
    if (part.begun.size() > kLongest || part.whole.size() > kLongest) fail("the expression is too large");
  }

  // (?i) and the like.
  std::string leading_flags() {
    if (!next_is("(?")) return {};
    std::size_t end = 2;
    while (end < text_.size() && (text::is_letter(text_[end]) || text_[end] == '-')) ++end;
    if (end == 2 || end >= text_.size() || text_[end] != ')') return {};
    std::string flags{text_.substr(0, end + 1)};
    at_ = end + 1;
    return flags;
  }

  Part alternatives(int depth) {
    Part all = sequence(depth);
    while (!done() && text_[at_] == '|') {
      ++at_;
      const Part other = sequence(depth);
      all = {.whole = all.whole + '|' + other.whole, .begun = all.begun + '|' + other.begun};
      bound(all);
    }
    return all;
  }

  // Begun is a sequence whose first part is begun, or whose first part is whole and the rest of it begun.
  Part sequence(int depth) {
    std::vector<Part> parts;
    while (!done() && text_[at_] != '|' && text_[at_] != ')') parts.push_back(repeated(depth));
    Part all;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      all.whole.insert(0, part->whole);
      if (part->whole.empty()) continue;
      all.begun = part->one_character ? "(?:" + part->whole + all.begun + ")?"
                                      : "(?:" + part->begun + "|" + part->whole + all.begun + ")";
      bound(all);
    }
    return all;
  }

  Part repeated(int depth) {
    Part part = atom(depth);
    while (!done()) {
      const std::size_t from = at_;
      const std::string before = repetition();
      if (at_ == from) break;
      if (part.whole.empty()) continue;  // of nothing
      const std::string how{text_.substr(from, at_ - from)};
      if (!done() && text_[at_] == '?') ++at_;  // as short as possible: the same matches
      const std::string group = "(?:" + part.whole + ')';
      part = {.whole = group + how, .begun = group + before + "(?:" + part.begun + ')'};
      if (part.whole.ends_with("{1}")) part.whole = group;
      bound(part);
    }
    return part;
  }

  // Steps over *, +, ? or {n,m}; how often there may be a whole one before the one that has begun.
  std::string repetition() {
    const char c = text_[at_];
    if (c == '*' || c == '+' || c == '?') {
      ++at_;
      return c == '?' ? "{0}" : "*";
    }
    if (c != '{') return {};
    const std::size_t close = text_.find('}', at_);
    const std::string_view inside =
        close == std::string_view::npos ? std::string_view{} : text_.substr(at_ + 1, close - at_ - 1);
    const std::size_t comma = inside.find(',');
    const auto low = text::parse_unsigned(inside.substr(0, comma));
    if (!low) return {};  // a brace that stands for itself
    const std::string_view rest = comma == std::string_view::npos ? std::string_view{} : inside.substr(comma + 1);
    const auto high = comma == std::string_view::npos ? low : text::parse_unsigned(rest);
    if (!high && !rest.empty()) return {};
    if (*low > 1000 || high.value_or(0) > 1000) fail("at most 1000 repetitions");
    at_ = close + 1;
    if (!high) return "*";
    return "{0," + std::to_string(std::max<std::uint64_t>(*high, 1) - 1) + '}';
  }

  Part atom(int depth) {
    const char c = text_[at_];
    if (c == '(') return group(depth);
    if (c == '[') return character(class_length());
    if (c == '\\') return escape();
    if (c == '^' || c == '$') return nothing(1);
    if (c == '{') {  // no repetition: see there
      ++at_;
      return {.whole = "\\{", .begun = "(?:\\{)?", .one_character = true};
    }
    if (c == '*' || c == '+' || c == '?') fail(std::string{"nothing before `"} + c + '`');
    return character(character_length(c));
  }

  Part character(std::size_t length) {
    const std::string one{text_.substr(at_, length)};
    at_ = std::min(text_.size(), at_ + length);
    return {.whole = one, .begun = "(?:" + one + ")?", .one_character = true};
  }

  Part nothing(std::size_t length) {
    at_ += length;
    return {};
  }

  Part group(int depth) {
    if (depth == kDeepest) fail("groups are nested too deeply");
    std::string open = "(?:";
    ++at_;
    if (next_is("?")) {
      std::size_t end = at_ + 1;
      while (end < text_.size() && (text::is_letter(text_[end]) || text_[end] == '-')) ++end;
      if (next_is("?P<")) {
        end = text_.find('>', at_);
        if (end == std::string_view::npos) fail("a name without an end");
      } else if (end < text_.size() && text_[end] == ':') {
        open = '(' + std::string{text_.substr(at_, end + 1 - at_)};
      } else {
        fail("flags belong at the beginning, or before a `:`");
      }
      if (problem_.empty()) at_ = end + 1;
    }
    Part inside = problem_.empty() ? alternatives(depth + 1) : Part{};
    if (!next_is(")")) fail("`(` without `)`");
    ++at_;
    if (inside.whole.empty() && inside.begun.empty()) return {};
    return {.whole = open + inside.whole + ')', .begun = open + inside.begun + ')'};
  }

  // Of [a-z], from the bracket at `at_` on.
  std::size_t class_length() {
    std::size_t at = at_ + 1;
    if (at < text_.size() && text_[at] == '^') ++at;
    if (at < text_.size() && text_[at] == ']') ++at;  // stands for itself
    while (at < text_.size() && text_[at] != ']') {
      if (text_.substr(at).starts_with("[:")) {
        const std::size_t end = text_.find(":]", at);
        at = end == std::string_view::npos ? at + 1 : end + 2;
      } else {
        at += text_[at] == '\\' ? 2 : 1;
      }
    }
    if (at >= text_.size()) fail("`[` without `]`");
    return at + 1 - at_;
  }

  Part escape() {
    if (at_ + 1 >= text_.size()) {
      fail("a backslash at the end");
      return {};
    }
    const char c = text_[at_ + 1];
    if (std::string_view{"bBAz"}.find(c) != std::string_view::npos) return nothing(2);
    if (c == 'Q' || c == 'E' || c == 'C' || text::is_digit(c)) {
      fail(std::string{"`\\"} + c + "` is not used here");
      return {};
    }
    if (c != 'p' && c != 'P' && c != 'x') return character(1 + character_length(c));
    std::size_t length = c == 'x' ? 4 : 3;  // \x41, \pN
    if (at_ + 2 < text_.size() && text_[at_ + 2] == '{') {
      const std::size_t close = text_.find('}', at_);
      if (close == std::string_view::npos) fail("`{` without `}`");
      length = close - at_ + 1;
    }
    return character(problem_.empty() ? length : 2);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string problem_;
};

}  // namespace

Result<std::string> prefix_pattern(std::string_view pattern) {
  return Reader{pattern}.read();
}

}  // namespace intragate::content

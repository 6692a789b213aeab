#include "jinja/lexer.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Token::Kind;

constexpr std::string_view kSpace = " \t\n\r\f\v";

bool is_space(char c) {
  return kSpace.find(c) != std::string_view::npos;
}
bool is_name_start(char c) {
  return text::is_letter(c) || c == '_';
}

std::string one_kind_of_newline(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (source[at] != '\r') {
      out += source[at];
    } else if (at + 1 == source.size() || source[at + 1] != '\n') {
      out += '\n';
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string source, Spacing spacing) : source_{std::move(source)}, spacing_{spacing} {}

  Result<std::vector<Token>> read() {
    while (at_ < source_.size() && problem_.empty()) read_piece();
    if (!problem_.empty()) return bad_template(line_, std::move(problem_));
    push(Kind::end, "");
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] std::string_view rest() const { return std::string_view{source_}.substr(at_); }

  void push(Kind kind, std::string_view text) {
    tokens_.push_back({.kind = kind, .text = std::string{text}, .line = line_});
  }

  void advance(std::size_t count) {
    const std::string_view passed = rest().substr(0, count);
    line_ += static_cast<std::uint32_t>(std::count(passed.begin(), passed.end(), '\n'));
    at_ += passed.size();
    if (!passed.empty()) line_starting_ = passed.back() == '\n';
  }

  // Text up to the next opening bracket, then what that opens.
  void read_piece() {
    std::size_t open = at_;
    for (; open + 1 < source_.size(); ++open) {
      if (source_[open] != '{') continue;
      const char next = source_[open + 1];
      if (next == '{' || next == '%' || next == '#') break;
    }
    if (open + 1 >= source_.size()) {
      push(Kind::text, rest());
      advance(rest().size());
      return;
    }
    const char bracket = source_[open + 1];
    const char sign = open + 2 < source_.size() ? source_[open + 2] : ' ';
    const std::size_t opening = sign == '-' || sign == '+' ? 3 : 2;
    const std::string_view text = rest().substr(0, open - at_);
    push_text(text, sign, bracket);
    advance(text.size() + opening);
    if (bracket == '#') {
      skip_comment();
    } else if (bracket == '{') {
      push(Kind::print_begin, "");
      read_words("}}", Kind::print_end);
    } else if (!raw_block()) {
      push(Kind::block_begin, "");
      read_words("%}", Kind::block_end);
    }
  }

  void push_text(std::string_view text, char sign, char bracket) {
    if (sign == '-') {
      while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    } else if (sign != '+' && spacing_.lstrip_blocks && bracket != '{') {
      const std::size_t newline = text.rfind('\n');
      const std::size_t start = newline == std::string_view::npos ? 0 : newline + 1;
      if ((start > 0 || line_starting_) &&
          std::all_of(text.begin() + static_cast<std::ptrdiff_t>(start), text.end(), is_space)) {
        text = text.substr(0, start);
      }
    }
    if (!text.empty()) push(Kind::text, text);
  }

  // Behind a closing bracket of `length` bytes at `at`: with `-` all white space goes too, else perhaps one newline.
  void close(std::size_t at, char sign, bool block) {
    std::size_t end = at + (sign == '-' || sign == '+' ? 3 : 2);
    if (sign == '-') {
      while (end < source_.size() && is_space(source_[end])) ++end;
    } else if (sign != '+' && block && spacing_.trim_blocks && end < source_.size() && source_[end] == '\n') {
      ++end;
    }
    advance(end - at_);
  }

  void skip_comment() {
    const std::size_t end = source_.find("#}", at_);
    if (end == std::string::npos) {
      problem_ = "a comment `{#` without its `#}`";
      return;
    }
    const char before = end > at_ ? source_[end - 1] : ' ';
    const char sign = before == '-' || before == '+' ? before : ' ';
    close(sign == ' ' ? end : end - 1, sign, true);
  }

  // Where `{%` stands before, optionally signed, `word` and `%}`: the offset behind it and the sign of its end.
  struct Tag {
    std::size_t begin = 0;
    char open_sign = ' ';
    char close_sign = ' ';
    std::size_t close = 0;
  };
  bool tag_at(std::size_t inside, std::string_view word, Tag& tag) const {
    std::size_t at = inside;
    while (at < source_.size() && is_space(source_[at])) ++at;
    if (source_.compare(at, word.size(), word) != 0) return false;
    at += word.size();
    while (at < source_.size() && is_space(source_[at])) ++at;
    tag.close = at;
    tag.close_sign = at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : ' ';
    if (tag.close_sign != ' ') ++at;
    return source_.compare(at, 2, "%}") == 0;
  }

  // `{% raw %}` … `{% endraw %}`: text, whatever it looks like.
  bool raw_block() {
    Tag begin;
    if (!tag_at(at_, "raw", begin)) return false;
    close(begin.close, begin.close_sign, false);  // the newline is the text's, as in Jinja
    for (std::size_t open = source_.find("{%", at_); open != std::string::npos; open = source_.find("{%", open + 1)) {
      const char sign = open + 2 < source_.size() ? source_[open + 2] : ' ';
      Tag end;
      if (!tag_at(open + (sign == '-' || sign == '+' ? 3 : 2), "endraw", end)) continue;
      const std::string_view text = rest().substr(0, open - at_);
      push_text(text, sign, '%');
      close(end.close, end.close_sign, true);
      return true;
    }
    problem_ = "`{% raw %}` without its `{% endraw %}`";
    return true;
  }

  void read_words(std::string_view closing, Kind end) {
    std::string brackets;  // those that are open: within them the closing one is no end
    while (problem_.empty()) {
      while (at_ < source_.size() && is_space(source_[at_])) advance(1);
      if (at_ >= source_.size()) {
        problem_ = closing == "}}" ? "`{{` without its `}}`" : "`{%` without its `%}`";
        return;
      }
      const char sign = source_[at_];
      const bool is_signed = sign == '-' || (sign == '+' && end == Kind::block_end);
      if (brackets.empty() && rest().substr(is_signed ? 1 : 0).starts_with(closing)) {
        push(end, "");
        close(at_, is_signed ? sign : ' ', end == Kind::block_end);
        return;
      }
      read_word(brackets);
    }
  }

  void read_word(std::string& brackets) {
    const char c = source_[at_];
    if (is_name_start(c)) {
      std::size_t end = at_;
      while (end < source_.size() && (is_name_start(source_[end]) || text::is_digit(source_[end]))) ++end;
      push(Kind::name, rest().substr(0, end - at_));
      advance(end - at_);
    } else if (text::is_digit(c)) {
      read_number();
    } else if (c == '\'' || c == '"') {
      read_string(c);
    } else {
      read_symbol(brackets);
    }
  }

  std::size_t digits_from(std::size_t from, std::string& out) const {
    while (from < source_.size() && (text::is_digit(source_[from]) || source_[from] == '_')) {
      if (source_[from] != '_') out += source_[from];
      ++from;
    }
    return from;
  }

  void read_number() {
    std::string digits;
    std::size_t end = digits_from(at_, digits);
    Kind kind = Kind::integer;
    const auto digit_at = [this](std::size_t at) { return at < source_.size() && text::is_digit(source_[at]); };
    if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) {
      kind = Kind::real;
      digits += '.';
      end = digits_from(end + 1, digits);
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const std::size_t sign = end + 1 < source_.size() && (source_[end + 1] == '-' || source_[end + 1] == '+') ? 1 : 0;
      if (digit_at(end + 1 + sign)) {
        kind = Kind::real;
        digits += 'e';
        if (source_[end + 1] == '-') digits += '-';
        end = digits_from(end + 1 + sign, digits);
      }
    }
    push(kind, digits);
    advance(end - at_);
  }

  void read_string(char quote) {
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) {
      problem_ = "a text without its closing quote";
      return;
    }
    push(Kind::string, python_literal(rest().substr(1, end - at_ - 1)));
    advance(end + 1 - at_);
  }

  void read_symbol(std::string& brackets) {
    static constexpr std::array<std::string_view, 6> kTwo{"==", "!=", ">=", "<=", "//", "**"};
    static constexpr std::string_view kOne = "+-/*%~[](){}><=.:|,;";
    for (const std::string_view two : kTwo) {
      if (!rest().starts_with(two)) continue;
      push(Kind::symbol, two);
      advance(2);
      return;
    }
    const char c = source_[at_];
    if (kOne.find(c) == std::string_view::npos) {
      problem_ = "unexpected " + text::quoted(rest().substr(0, 1));
      return;
    }
    if (c == '(' || c == '[' || c == '{') brackets += c;
    if (c == ')' || c == ']' || c == '}') {
      const char opening = c == ')' ? '(' : c == ']' ? '[' : '{';
      if (brackets.empty() || brackets.back() != opening) {
        problem_ = std::string{"unexpected `"} + c + "`";
        return;
      }
      brackets.pop_back();
    }
    push(Kind::symbol, rest().substr(0, 1));
    advance(1);
  }

  std::string source_;
  Spacing spacing_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
  std::string problem_;
};

}  // namespace

Error bad_template(std::uint32_t line, std::string why) {
  return make_error(Code::invalid_configuration, "template, line " + std::to_string(line) + ": " + std::move(why));
}

Result<std::vector<Token>> read_tokens(std::string_view source, Spacing spacing) {
  if (source.size() > kLongestSource) return bad_template(1, "a template has at most 1 MiB");
  return Lexer{one_kind_of_newline(source), spacing}.read();
}

}  // namespace intragate::jinja

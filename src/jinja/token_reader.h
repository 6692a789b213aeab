// The words of a template one after the other, and the first thing that was wrong with them. What both halves of the
// parser (expressions, statements) share.
// Owner: one parse, on its stack. Thread: one. Does not: know the grammar.
#pragma once

#include <map>

#include "jinja/lexer.h"
#include "jinja/syntax.h"

namespace intragate::jinja {

inline constexpr unsigned kDeepestSyntax = 120;

class TokenReader {
 public:
  explicit TokenReader(std::vector<Token> tokens) : tokens_{std::move(tokens)} {}

  [[nodiscard]] const Token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  [[nodiscard]] bool is(Token::Kind kind) const { return peek().kind == kind; }
  [[nodiscard]] bool is_symbol(std::string_view text) const { return is(Token::Kind::symbol) && peek().text == text; }
  [[nodiscard]] bool is_name(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == Token::Kind::name && peek(ahead).text == text;
  }
  Token take() {
    Token token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool skip_symbol(std::string_view text) { return is_symbol(text) && (take(), true); }
  bool skip_name(std::string_view text) { return is_name(text) && (take(), true); }
  void expect_symbol(std::string_view text);
  void expect(Token::Kind kind, std::string_view what);
  // A name; "" if there is none.
  std::string expect_name(std::string_view what);

  // Keeps the first; from then on everything ends at once.
  void fail(std::string why) { fail_at(peek().line, std::move(why)); }
  void fail_at(std::uint32_t line, std::string why);
  [[nodiscard]] bool failed() const { return !problem_.empty(); }
  [[nodiscard]] Error error() const { return bad_template(problem_line_, problem_); }
  // What stands here, for a message.
  [[nodiscard]] std::string found() const;

  [[nodiscard]] std::uint32_t symbol(std::string_view name);
  [[nodiscard]] std::vector<std::string> take_names() { return std::move(names_); }

 private:
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::string problem_;
  std::uint32_t problem_line_ = 0;
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> symbols_;
};

}  // namespace intragate::jinja

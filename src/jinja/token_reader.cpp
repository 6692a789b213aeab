#include "jinja/token_reader.h"

#include "base/text.h"

namespace intragate::jinja {

void TokenReader::expect_symbol(std::string_view text) {
  if (!skip_symbol(text)) fail("expected `" + std::string{text} + "`, found " + found());
}

void TokenReader::expect(Token::Kind kind, std::string_view what) {
  if (is(kind)) {
    take();
  } else {
    fail("expected " + std::string{what} + ", found " + found());
  }
}

std::string TokenReader::expect_name(std::string_view what) {
  if (is(Token::Kind::name)) return take().text;
  fail("expected " + std::string{what} + ", found " + found());
  return {};
}

void TokenReader::fail_at(std::uint32_t line, std::string why) {
  if (failed()) return;
  problem_ = std::move(why);
  problem_line_ = line;
  at_ = tokens_.size() - 1;  // nothing more to read: every loop over the words ends
}

std::string TokenReader::found() const {
  switch (peek().kind) {
    case Token::Kind::text: return "text";
    case Token::Kind::print_begin: return "`{{`";
    case Token::Kind::print_end: return "`}}`";
    case Token::Kind::block_begin: return "`{%`";
    case Token::Kind::block_end: return "`%}`";
    case Token::Kind::end: return "the end of the template";
    default: return text::quoted(peek().text);
  }
}

std::uint32_t TokenReader::symbol(std::string_view name) {
  const auto known = symbols_.find(name);
  if (known != symbols_.end()) return known->second;
  const auto number = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  symbols_.emplace(std::string{name}, number);
  return number;
}

}  // namespace intragate::jinja

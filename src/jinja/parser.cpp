#include "jinja/parser.h"

#include <algorithm>
#include <initializer_list>

#include "jinja/parse_expression.h"
#include "jinja/token_reader.h"

namespace intragate::jinja {
namespace {

using TokenKind = Token::Kind;
using Kind = Statement::Kind;

class StatementParser {
 public:
  explicit StatementParser(TokenReader& tokens) : tokens_{tokens}, expressions_{tokens} {}

  // Statements up to `{% word` for one of the words, which is taken, or to the end of the template if there are none.
  Block block(std::initializer_list<std::string_view> ends) {
    Block out;
    if (++depth_ > kDeepestSyntax) tokens_.fail("blocks lie too deep within each other");
    while (!tokens_.failed()) {
      if (tokens_.is(TokenKind::end)) {
        if (ends.size() != 0)
          tokens_.fail_at(opened_.back(), "this block has no `{% " + std::string{*(ends.end() - 1)} + " %}`");
        break;
      }
      if (tokens_.is(TokenKind::text)) {
        out.push_back({.kind = Kind::text, .line = tokens_.peek().line, .text = tokens_.take().text});
      } else if (tokens_.is(TokenKind::print_begin)) {
        out.push_back(print());
      } else {
        tokens_.expect(TokenKind::block_begin, "`{%`");
        const auto is_end = [this](std::string_view word) { return tokens_.is_name(word); };
        if (std::any_of(ends.begin(), ends.end(), is_end)) {
          end_ = tokens_.take().text;
          break;
        }
        statement(out);
      }
    }
    --depth_;
    return out;
  }

 private:
  void end_tag() { tokens_.expect(TokenKind::block_end, "`%}`"); }

  Statement print() {
    tokens_.take();
    Statement made{.kind = Kind::print, .line = tokens_.peek().line};
    made.expressions.push_back(expressions_.expressions());
    tokens_.expect(TokenKind::print_end, "`}}`");
    return made;
  }

  void statement(Block& out) {
    const Token word = tokens_.take();
    opened_.push_back(word.line);
    Statement made{.kind = Kind::text, .line = word.line};
    if (word.text == "if") {
      condition(made);
    } else if (word.text == "for") {
      loop(made);
    } else if (word.text == "set") {
      set(made);
    } else if (word.text == "macro") {
      macro(made);
    } else if (word.text == "filter") {
      filter_block(made);
    } else if (word.text == "with") {
      scope(made);
    } else if (word.text == "generation") {  // marks what the model wrote, for training: the text is what matters here
      made.kind = Kind::scope;
      end_tag();
      made.bodies.push_back(block({"endgeneration"}));
      end_tag();
    } else if ((word.text == "break" || word.text == "continue") && loops_ > 0) {
      made.kind = word.text == "break" ? Kind::break_loop : Kind::continue_loop;
      end_tag();
    } else {
      tokens_.fail_at(word.line, "`{% " + word.text.substr(0, 40) + "` is not supported here");
    }
    opened_.pop_back();
    out.push_back(std::move(made));
  }

  void condition(Statement& made) {
    made.kind = Kind::condition;
    made.expressions.push_back(expressions_.expressions());
    end_tag();
    while (!tokens_.failed()) {
      made.bodies.push_back(block({"elif", "else", "endif"}));
      if (end_ != "elif") break;
      made.expressions.push_back(expressions_.expressions());
      end_tag();
    }
    if (end_ == "else") {
      end_tag();
      made.bodies.push_back(block({"endif"}));
    }
    end_tag();
  }

  Target target() {
    Target made;
    made.name = tokens_.expect_name("the name of a variable");
    made.symbol = tokens_.symbol(made.name);
    if (tokens_.skip_symbol(".")) made.field = tokens_.expect_name("a name behind `.`");
    return made;
  }

  void targets(Statement& made) {
    const bool bracket = tokens_.skip_symbol("(");
    do {
      made.targets.push_back(target());
    } while (tokens_.skip_symbol(","));
    if (bracket) tokens_.expect_symbol(")");
  }

  void loop(Statement& made) {
    made.kind = Kind::loop;
    targets(made);
    if (!tokens_.skip_name("in")) tokens_.fail("expected `in`, found " + tokens_.found());
    made.expressions.push_back(loop_items());
    made.expressions.push_back(tokens_.skip_name("if") ? expressions_.expression() : nullptr);
    made.recursive = tokens_.skip_name("recursive");
    if (made.recursive) tokens_.fail("recursive loops are not supported; a macro can do the same");
    end_tag();
    ++loops_;
    made.bodies.push_back(block({"else", "endfor"}));
    --loops_;
    if (end_ == "else") {
      end_tag();
      made.bodies.push_back(block({"endfor"}));
    }
    end_tag();
  }

  // `for x in a, b` goes through both.
  ExpressionPointer loop_items() {
    ExpressionPointer first = expressions_.expression_before_if();
    if (!tokens_.is_symbol(",")) return first;
    auto list = std::make_unique<Expression>();
    list->kind = Expression::Kind::list;
    list->depth = first->depth + 1;
    list->parts.push_back(std::move(first));
    while (tokens_.skip_symbol(",")) {
      list->parts.push_back(expressions_.expression_before_if());
      list->depth = std::max(list->depth, list->parts.back()->depth + 1);
    }
    return list;
  }

  void set(Statement& made) {
    targets(made);
    if (tokens_.skip_symbol("=")) {
      made.kind = Kind::set;
      made.expressions.push_back(expressions_.expressions());
      end_tag();
      return;
    }
    made.kind = Kind::set_block;
    if (made.targets.size() != 1) tokens_.fail("expected `=`, found " + tokens_.found());
    if (tokens_.is_symbol("|")) made.expressions.push_back(expressions_.block_filters(true));
    end_tag();
    made.bodies.push_back(block({"endset"}));
    end_tag();
  }

  void filter_block(Statement& made) {
    made.kind = Kind::filter_block;
    made.expressions.push_back(expressions_.block_filters(false));
    end_tag();
    made.bodies.push_back(block({"endfilter"}));
    end_tag();
  }

  void scope(Statement& made) {
    made.kind = Kind::scope;
    while (!tokens_.failed() && !tokens_.is(TokenKind::block_end)) {
      if (!made.targets.empty()) tokens_.expect_symbol(",");
      made.targets.push_back(target());
      tokens_.expect_symbol("=");
      made.expressions.push_back(expressions_.expression());
    }
    end_tag();
    made.bodies.push_back(block({"endwith"}));
    end_tag();
  }

  void macro(Statement& made) {
    made.kind = Kind::macro;
    auto definition = std::make_shared<Macro>();
    definition->name = tokens_.expect_name("the name of a macro");
    made.targets.push_back({.symbol = tokens_.symbol(definition->name), .name = definition->name, .field = ""});
    tokens_.expect_symbol("(");
    while (!tokens_.failed() && !tokens_.is_symbol(")")) {
      if (!definition->parameters.empty()) tokens_.expect_symbol(",");
      if (tokens_.is_symbol(")")) break;
      Macro::Parameter parameter;
      parameter.name = tokens_.expect_name("the name of a parameter");
      parameter.symbol = tokens_.symbol(parameter.name);
      if (tokens_.skip_symbol("=")) parameter.fallback = expressions_.expression();
      definition->parameters.push_back(std::move(parameter));
    }
    tokens_.expect_symbol(")");
    end_tag();
    const unsigned loops = std::exchange(loops_, 0);  // a loop around the macro is not one that it can leave
    definition->body = block({"endmacro"});
    loops_ = loops;
    if (tokens_.is(TokenKind::name)) tokens_.take();  // `{% endmacro name %}`
    end_tag();
    made.definition = std::move(definition);
  }

  TokenReader& tokens_;
  ExpressionParser expressions_;
  std::string end_;  // the word that ended the last block
  unsigned depth_ = 0;
  unsigned loops_ = 0;
  std::vector<std::uint32_t> opened_;
};

}  // namespace

Result<Syntax> parse(std::string_view source, Spacing spacing) {
  Result<std::vector<Token>> tokens = read_tokens(source, spacing);
  if (!tokens) return std::move(tokens).error();
  TokenReader reader{std::move(*tokens)};
  Syntax syntax;
  syntax.body = StatementParser{reader}.block({});
  if (reader.failed()) return reader.error();
  syntax.names = reader.take_names();
  return syntax;
}

}  // namespace intragate::jinja

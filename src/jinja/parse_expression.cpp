#include "jinja/parse_expression.h"

#include <algorithm>
#include <charconv>

#include "jinja/builtins.h"

namespace intragate::jinja {
namespace {

using TokenKind = Token::Kind;

std::string unknown(std::string_view what, std::string_view name, std::string_view closest) {
  std::string out = "unknown " + std::string{what} + " `" + std::string{name} + "`";
  if (!closest.empty()) out += ", did you mean `" + std::string{closest} + "`?";
  return out;
}

}  // namespace

ExpressionPointer ExpressionParser::make(Kind kind) const {
  auto made = std::make_unique<Expression>();
  made->kind = kind;
  made->line = tokens_.peek().line;
  return made;
}

void ExpressionParser::add(Expression& to, ExpressionPointer part) {
  to.depth = std::max(to.depth, part->depth + 1);
  if (to.depth > kDeepestSyntax) tokens_.fail("expressions lie too deep within each other");
  to.parts.push_back(std::move(part));
}

ExpressionPointer ExpressionParser::over(Kind kind, ExpressionPointer part) {
  ExpressionPointer made = make(kind);
  add(*made, std::move(part));
  return made;
}

ExpressionPointer ExpressionParser::arithmetic(ExpressionPointer left, Operator op, ExpressionPointer right) {
  ExpressionPointer made = over(Kind::arithmetic, std::move(left));
  made->operators.push_back(op);
  add(*made, std::move(right));
  return made;
}

bool ExpressionParser::enter() {
  if (open_ < kDeepestSyntax) return true;
  tokens_.fail("expressions lie too deep within each other");
  return false;
}

ExpressionPointer ExpressionParser::expression() {
  if (!enter()) return make(Kind::constant);
  ++open_;
  ExpressionPointer value = logical_or();
  while (tokens_.skip_name("if")) {
    ExpressionPointer made = over(Kind::conditional, logical_or());
    add(*made, std::move(value));
    if (tokens_.skip_name("else")) {
      add(*made, expression());
    } else {
      made->parts.push_back(nullptr);
    }
    value = std::move(made);
  }
  --open_;
  return value;
}

ExpressionPointer ExpressionParser::expressions() {
  ExpressionPointer first = expression();
  if (!tokens_.is_symbol(",")) return first;
  ExpressionPointer list = over(Kind::list, std::move(first));
  while (tokens_.skip_symbol(",")) {
    if (tokens_.is(TokenKind::block_end) || tokens_.is(TokenKind::print_end)) break;
    add(*list, expression());
  }
  return list;
}

ExpressionPointer ExpressionParser::block_filters(bool pipe_first) {
  ExpressionPointer value = make(Kind::captured);
  if (!pipe_first) value = filter(std::move(value));
  while (tokens_.skip_symbol("|")) value = filter(std::move(value));
  return value;
}

ExpressionPointer ExpressionParser::logical_or() {
  ExpressionPointer left = logical_and();
  while (tokens_.skip_name("or")) {
    left = over(Kind::logical_or, std::move(left));
    add(*left, logical_and());
  }
  return left;
}

ExpressionPointer ExpressionParser::logical_and() {
  ExpressionPointer left = logical_not();
  while (tokens_.skip_name("and")) {
    left = over(Kind::logical_and, std::move(left));
    add(*left, logical_not());
  }
  return left;
}

ExpressionPointer ExpressionParser::logical_not() {
  if (!tokens_.is_name("not")) return comparison();
  unsigned count = 0;
  while (tokens_.skip_name("not")) ++count;
  ExpressionPointer value = comparison();
  if (count % 2 == 0) value = over(Kind::logical_not, std::move(value));  // `not not` is a boolean too
  return over(Kind::logical_not, std::move(value));
}

bool ExpressionParser::comparison_operator(Operator& op) {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"==", Operator::eq}, {"!=", Operator::ne}, {"<", Operator::lt},
      {"<=", Operator::le}, {">", Operator::gt},  {">=", Operator::ge},
  };
  for (const auto& [text, what] : kOperators) {
    if (!tokens_.skip_symbol(text)) continue;
    op = what;
    return true;
  }
  if (tokens_.skip_name("in")) {
    op = Operator::in;
    return true;
  }
  if (!tokens_.is_name("not") || !tokens_.is_name("in", 1)) return false;
  tokens_.take();
  tokens_.take();
  op = Operator::not_in;
  return true;
}

ExpressionPointer ExpressionParser::comparison() {
  ExpressionPointer left = sum();
  Operator op{};
  if (!comparison_operator(op)) return left;
  ExpressionPointer made = over(Kind::compare, std::move(left));
  do {
    made->operators.push_back(op);
    add(*made, sum());
  } while (comparison_operator(op));
  return made;
}

ExpressionPointer ExpressionParser::sum() {
  ExpressionPointer left = concatenation();
  while (tokens_.is_symbol("+") || tokens_.is_symbol("-")) {
    const Operator op = tokens_.take().text == "+" ? Operator::add : Operator::sub;
    left = arithmetic(std::move(left), op, concatenation());
  }
  return left;
}

ExpressionPointer ExpressionParser::concatenation() {
  ExpressionPointer first = product();
  if (!tokens_.is_symbol("~")) return first;
  ExpressionPointer made = over(Kind::concat, std::move(first));
  while (tokens_.skip_symbol("~")) add(*made, product());
  return made;
}

ExpressionPointer ExpressionParser::product() {
  static constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"*", Operator::mul}, {"/", Operator::div}, {"//", Operator::floor_div}, {"%", Operator::mod}};
  ExpressionPointer left = power();
  while (true) {
    const auto* const found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                           [this](const auto& entry) { return tokens_.skip_symbol(entry.first); });
    if (found == std::end(kOperators)) return left;
    left = arithmetic(std::move(left), found->second, power());
  }
}

ExpressionPointer ExpressionParser::power() {
  ExpressionPointer left = unary(Filters::with);
  while (tokens_.skip_symbol("**")) left = arithmetic(std::move(left), Operator::pow, unary(Filters::with));
  return left;
}

ExpressionPointer ExpressionParser::unary(Filters filters) {
  ExpressionPointer value;
  if (tokens_.is_symbol("-") || tokens_.is_symbol("+")) {
    if (!enter()) return make(Kind::constant);
    ++open_;
    const Kind kind = tokens_.take().text == "-" ? Kind::negate : Kind::plus;
    value = over(kind, unary(Filters::without));
    --open_;
  } else {
    value = primary();
  }
  value = postfix(std::move(value));
  return filters == Filters::with ? filters_and_tests(std::move(value)) : std::move(value);
}

ExpressionPointer ExpressionParser::name_or_literal() {
  ExpressionPointer made = make(Kind::constant);
  const std::string name = tokens_.take().text;
  if (name == "true" || name == "True") {
    made->constant = true;
  } else if (name == "false" || name == "False") {
    made->constant = false;
  } else if (name == "none" || name == "None") {
    made->constant = Value::none();
  } else {
    made->kind = Kind::name;
    made->symbol = tokens_.symbol(name);
    made->text = name;
  }
  return made;
}

ExpressionPointer ExpressionParser::primary() {
  ExpressionPointer made = make(Kind::constant);
  const std::string& text = tokens_.peek().text;
  switch (tokens_.peek().kind) {
    case TokenKind::name: return name_or_literal();
    case TokenKind::string: {
      std::string all;
      while (tokens_.is(TokenKind::string)) all += tokens_.take().text;
      made->constant = std::move(all);
      return made;
    }
    case TokenKind::integer: {
      std::int64_t number = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (problem != std::errc{}) tokens_.fail("a whole number has at most 64 bits");
      made->constant = number;
      tokens_.take();
      return made;
    }
    case TokenKind::real: {
      double number = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (problem != std::errc{}) tokens_.fail("this number is out of range");
      made->constant = number;
      tokens_.take();
      return made;
    }
    default: break;
  }
  if (tokens_.skip_symbol("(")) return list_or_tuple(")");
  if (tokens_.skip_symbol("[")) return list_or_tuple("]");
  if (tokens_.skip_symbol("{")) return object();
  tokens_.fail("expected a value, found " + tokens_.found());
  return made;
}

ExpressionPointer ExpressionParser::list_or_tuple(std::string_view closing) {
  ExpressionPointer list = make(Kind::list);
  bool comma = closing == "]";
  while (!tokens_.failed() && !tokens_.is_symbol(closing)) {
    if (!list->parts.empty()) {
      tokens_.expect_symbol(",");
      comma = true;
      if (tokens_.is_symbol(closing)) break;
    }
    add(*list, expression());
  }
  tokens_.expect_symbol(closing);
  if (!comma && list->parts.size() == 1) return std::move(list->parts.front());  // brackets around one value
  return list;
}

ExpressionPointer ExpressionParser::object() {
  ExpressionPointer made = make(Kind::object);
  while (!tokens_.failed() && !tokens_.is_symbol("}")) {
    if (!made->parts.empty()) {
      tokens_.expect_symbol(",");
      if (tokens_.is_symbol("}")) break;
    }
    add(*made, expression());
    tokens_.expect_symbol(":");
    add(*made, expression());
  }
  tokens_.expect_symbol("}");
  return made;
}

ExpressionPointer ExpressionParser::postfix(ExpressionPointer value) {
  while (!tokens_.failed()) {
    if (tokens_.skip_symbol(".")) {
      if (tokens_.is(TokenKind::integer)) {  // `x.0` is `x[0]`
        value = over(Kind::subscript, std::move(value));
        add(*value, primary());
        continue;
      }
      value = over(Kind::attribute, std::move(value));
      value->text = tokens_.expect_name("a name behind `.`");
    } else if (tokens_.skip_symbol("[")) {
      value = subscript(std::move(value));
    } else if (tokens_.is_symbol("(")) {
      value = over(Kind::call, std::move(value));
      arguments(*value);
    } else {
      break;
    }
  }
  return value;
}

ExpressionPointer ExpressionParser::subscript(ExpressionPointer value) {
  ExpressionPointer made = over(Kind::subscript, std::move(value));
  ExpressionPointer first = tokens_.is_symbol(":") ? nullptr : expression();
  if (first && tokens_.skip_symbol("]")) {
    add(*made, std::move(first));
    return made;
  }
  made->kind = Kind::slice;
  const auto add_bound = [&](ExpressionPointer bound) {
    if (bound) {
      add(*made, std::move(bound));
    } else {
      made->parts.push_back(nullptr);
    }
  };
  add_bound(std::move(first));
  for (int bound = 0; bound < 2; ++bound) {
    const bool given = tokens_.skip_symbol(":") && !tokens_.is_symbol(":") && !tokens_.is_symbol("]");
    add_bound(given ? expression() : nullptr);
  }
  tokens_.expect_symbol("]");
  return made;
}

void ExpressionParser::arguments(Expression& call) {
  tokens_.expect_symbol("(");
  bool first = true;
  while (!tokens_.failed() && !tokens_.is_symbol(")")) {
    if (!first) {
      tokens_.expect_symbol(",");
      if (tokens_.is_symbol(")")) break;
    }
    first = false;
    if (tokens_.is_symbol("*") || tokens_.is_symbol("**")) {
      tokens_.fail("`*` and `**` before an argument are not supported");
      break;
    }
    const bool has_name =
        tokens_.is(TokenKind::name) && tokens_.peek(1).kind == TokenKind::symbol && tokens_.peek(1).text == "=";
    if (!has_name) {
      if (!call.named.empty()) tokens_.fail("an argument without a name behind one with a name");
      add(call, expression());
      continue;
    }
    std::string name = tokens_.take().text;
    tokens_.take();
    ExpressionPointer value = expression();
    call.depth = std::max(call.depth, value->depth + 1);
    call.named.emplace_back(std::move(name), std::move(value));
  }
  tokens_.expect_symbol(")");
  if (call.depth > kDeepestSyntax) tokens_.fail("expressions lie too deep within each other");
}

ExpressionPointer ExpressionParser::filters_and_tests(ExpressionPointer value) {
  while (!tokens_.failed()) {
    if (tokens_.skip_symbol("|")) {
      value = filter(std::move(value));
    } else if (tokens_.skip_name("is")) {
      value = test(std::move(value));
    } else if (tokens_.is_symbol("(")) {
      value = over(Kind::call, std::move(value));
      arguments(*value);
    } else {
      break;
    }
  }
  return value;
}

ExpressionPointer ExpressionParser::filter(ExpressionPointer value) {
  ExpressionPointer made = over(Kind::filter, std::move(value));
  made->text = tokens_.expect_name("the name of a filter");
  made->builtin = find_filter(made->text);
  if (made->builtin == nullptr) tokens_.fail(unknown("filter", made->text, closest_filter(made->text)));
  if (tokens_.is_symbol("(")) arguments(*made);
  return made;
}

ExpressionPointer ExpressionParser::test(ExpressionPointer value) {
  const bool negated = tokens_.skip_name("not");
  ExpressionPointer made = over(Kind::test, std::move(value));
  // Operators are names of tests too, but only inside select() and its like.
  made->text = tokens_.expect_name("the name of a test");
  made->builtin = find_test(made->text);
  if (made->builtin == nullptr) tokens_.fail(unknown("test", made->text, closest_test(made->text)));
  const TokenKind next = tokens_.peek().kind;
  const bool opens = tokens_.is_symbol("[") || tokens_.is_symbol("{");
  const bool is_word = next == TokenKind::name && !tokens_.is_name("else") && !tokens_.is_name("or") &&
                       !tokens_.is_name("and") && !tokens_.is_name("if") && !tokens_.is_name("is") &&
                       !tokens_.is_name("not") && !tokens_.is_name("in") && !tokens_.is_name("recursive");
  if (tokens_.is_symbol("(")) {
    arguments(*made);
  } else if (is_word || opens || next == TokenKind::string || next == TokenKind::integer || next == TokenKind::real) {
    add(*made, postfix(primary()));
  }
  return negated ? over(Kind::logical_not, std::move(made)) : std::move(made);
}

}  // namespace intragate::jinja

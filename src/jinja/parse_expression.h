// The half of the parser that reads expressions. Owner: one parse. Thread: one. Does not: read `{%` and `%}`.
#pragma once

#include "jinja/token_reader.h"

namespace intragate::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenReader& tokens) : tokens_{tokens} {}

  // Never null; after a failure it is something without meaning.
  ExpressionPointer expression();
  // The same without `if … else …`, which belongs to the `for` around it.
  ExpressionPointer expression_before_if() { return logical_or(); }
  // One, or several with commas between them: a list.
  ExpressionPointer expressions();
  // `| filter | filter …` over a block's text.
  ExpressionPointer block_filters(bool pipe_first);

 private:
  using Kind = Expression::Kind;
  using Operator = Expression::Operator;

  [[nodiscard]] ExpressionPointer make(Kind kind) const;
  // A new expression over `part`; fails where they lie too deep within each other.
  ExpressionPointer over(Kind kind, ExpressionPointer part);
  void add(Expression& to, ExpressionPointer part);
  ExpressionPointer arithmetic(ExpressionPointer left, Operator op, ExpressionPointer right);
  // One level of brackets more; false, and a failure, when that is too deep.
  bool enter();

  ExpressionPointer logical_or();
  ExpressionPointer logical_and();
  ExpressionPointer logical_not();
  ExpressionPointer comparison();
  bool comparison_operator(Operator& op);
  ExpressionPointer sum();
  ExpressionPointer concatenation();
  ExpressionPointer product();
  ExpressionPointer power();
  enum class Filters : std::uint8_t { with, without };
  ExpressionPointer unary(Filters filters);
  ExpressionPointer primary();
  ExpressionPointer name_or_literal();
  ExpressionPointer list_or_tuple(std::string_view closing);
  ExpressionPointer object();
  ExpressionPointer postfix(ExpressionPointer value);
  ExpressionPointer subscript(ExpressionPointer value);
  ExpressionPointer filters_and_tests(ExpressionPointer value);
  ExpressionPointer filter(ExpressionPointer value);
  ExpressionPointer test(ExpressionPointer value);
  void arguments(Expression& call);

  TokenReader& tokens_;
  unsigned open_ = 0;
};

}  // namespace intragate::jinja

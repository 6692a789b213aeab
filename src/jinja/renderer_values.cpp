// The half of the rendering that computes values (renderer.h).
#include <algorithm>

#include "jinja/arithmetic.h"
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/print.h"
#include "jinja/renderer.h"

namespace intragate::jinja {
namespace {

// What an expression is called in a message about it: `message.content`.
std::string spelled(const Expression& expression) {
  if (expression.kind == Expression::Kind::name) return expression.text;
  if (expression.kind == Expression::Kind::attribute) return spelled(*expression.parts.front()) + '.' + expression.text;
  return "a value";
}

std::optional<std::int64_t> bound(const Value& value, Work& work) {
  if (value.is(Value::Kind::none) || value.is(Value::Kind::undefined)) return std::nullopt;
  if (value.is(Value::Kind::integer)) return value.integer();
  work.fail("a slice is made of whole numbers");
  return std::nullopt;
}

}  // namespace

Value Renderer::evaluate(const Expression& expression) {
  const Level level{*this};
  if (!work_.step()) return {};
  Value value = compute(expression);
  if (value.depth() > kDeepest) return work_.fail("lists lie too deep within each other");
  return value;
}

Value Renderer::compute(const Expression& expression) {
  using Kind = Expression::Kind;
  const auto part = [&](std::size_t i) { return evaluate(*expression.parts[i]); };
  switch (expression.kind) {
    case Kind::constant: return expression.constant;
    case Kind::name: return variable(expression);
    case Kind::captured: return captured_;
    case Kind::list: return list(expression);
    case Kind::object: return object(expression);
    case Kind::attribute:
    case Kind::subscript: return within(expression);
    case Kind::slice: return slice(expression);
    case Kind::call: return call(expression);
    case Kind::filter:
    case Kind::test: return apply(expression);
    case Kind::negate: return negated(part(0), work_);
    case Kind::plus: return part(0);
    case Kind::logical_not: return !part(0).truth();
    case Kind::logical_and: {
      Value left = part(0);
      return left.truth() ? part(1) : left;
    }
    case Kind::logical_or: {
      Value left = part(0);
      return left.truth() ? left : part(1);
    }
    case Kind::compare: return compare(expression);
    case Kind::arithmetic: {
      const Value left = part(0);
      const Value right = part(1);
      return work_.failed() ? Value{} : arithmetic(expression.operators.front(), left, right, work_);
    }
    case Kind::concat: return concatenate(expression);
    case Kind::conditional:
      if (part(0).truth()) return part(1);
      return expression.parts[2] ? part(2) : Value{};
  }
  return {};
}

Value Renderer::within(const Expression& expression) {
  const Value value = evaluate(*expression.parts.front());
  if (work_.failed()) return {};
  if (value.is(Value::Kind::undefined)) return work_.fail("`" + spelled(*expression.parts.front()) + "` is undefined");
  if (expression.kind == Expression::Kind::attribute) return member(value, expression.text, Lookup::attribute, work_);
  return item_at(value, evaluate(*expression.parts[1]), work_);
}

bool Renderer::holds(Expression::Operator op, const Value& left, const Value& right) {
  using Operator = Expression::Operator;
  switch (op) {
    case Operator::eq: return equal(left, right, work_);
    case Operator::ne: return !equal(left, right, work_);
    case Operator::lt: return order(left, right, work_) < 0;
    case Operator::le: return order(left, right, work_) <= 0;
    case Operator::gt: return order(left, right, work_) > 0;
    case Operator::ge: return order(left, right, work_) >= 0;
    case Operator::in: return contains(right, left, work_);
    case Operator::not_in: return !contains(right, left, work_);
    default: return false;
  }
}

Value Renderer::compare(const Expression& expression) {
  Value left = evaluate(*expression.parts.front());
  for (std::size_t i = 0; i < expression.operators.size(); ++i) {
    Value right = evaluate(*expression.parts[i + 1]);
    if (work_.failed() || !holds(expression.operators[i], left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Renderer::concatenate(const Expression& expression) {
  std::string out;
  for (const ExpressionPointer& part : expression.parts) append_text(out, evaluate(*part), work_);
  return out;
}

Value Renderer::list(const Expression& expression) {
  std::vector<Value> items;
  if (!work_.make(expression.parts.size() * sizeof(Value))) return {};
  items.reserve(expression.parts.size());
  for (const ExpressionPointer& part : expression.parts) items.push_back(evaluate(*part));
  return items;
}

Value Renderer::object(const Expression& expression) {
  Object made;
  for (std::size_t i = 0; i + 1 < expression.parts.size(); i += 2) {
    const Value key = evaluate(*expression.parts[i]);
    if (!key.is(Value::Kind::string)) return work_.fail("the keys of an object are texts");
    Value value = evaluate(*expression.parts[i + 1]);
    if (!work_.make(key.weight() + sizeof(Object::Entry))) return {};
    made.set(key.string(), std::move(value));
  }
  return made;
}

Value Renderer::slice(const Expression& expression) {
  const Value value = evaluate(*expression.parts.front());
  const auto given = [&](std::size_t i) -> std::optional<std::int64_t> {
    return expression.parts[i] ? bound(evaluate(*expression.parts[i]), work_) : std::nullopt;
  };
  SliceBounds bounds;
  bounds.from = given(1);
  bounds.to = given(2);
  bounds.step = given(3).value_or(1);
  return work_.failed() ? Value{} : sliced(value, bounds, work_);
}

void Renderer::arguments(const Expression& expression, Call& call) {
  for (std::size_t i = 1; i < expression.parts.size(); ++i) call.arguments.push_back(evaluate(*expression.parts[i]));
  for (const auto& [name, value] : expression.named) call.named.emplace_back(name, evaluate(*value));
}

Value Renderer::apply(const Expression& filter_or_test) {
  Call call{.work = work_, .self = evaluate(*filter_or_test.parts.front()), .arguments = {}, .named = {}};
  arguments(filter_or_test, call);
  return work_.failed() ? Value{} : filter_or_test.builtin(call);
}

Value Renderer::call(const Expression& expression) {
  const Value callee = evaluate(*expression.parts.front());
  if (work_.failed()) return {};
  if (!callee.is(Value::Kind::function)) {
    return work_.fail("`" + spelled(*expression.parts.front()) + "` is not something that can be called");
  }
  const Function& function = callee.function();
  Call call{.work = work_, .self = function.self, .arguments = {}, .named = {}};
  arguments(expression, call);
  if (work_.failed()) return {};
  switch (function.kind) {
    case Function::Kind::macro: return call_macro(*function.macro, call);
    case Function::Kind::method: return find_method(function.self.kind(), function.name)(call);
    case Function::Kind::global: return find_global(function.name)(call);
  }
  return {};
}

Value Renderer::call_macro(const Macro& macro, Call& call) {
  if (call.arguments.size() > macro.parameters.size()) {
    return work_.fail("macro `" + macro.name + "` takes " + std::to_string(macro.parameters.size()) + " arguments");
  }
  std::string outside = std::exchange(out_, {});
  const std::size_t floor = std::exchange(floor_, variables_.size());
  {
    const Scope scope{*this};
    for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
      const Macro::Parameter& parameter = macro.parameters[i];
      if (const Value* const given = call.argument(i, parameter.name); given != nullptr) {
        set_variable(parameter.symbol, *given);
      } else {
        set_variable(parameter.symbol, parameter.fallback ? evaluate(*parameter.fallback) : Value{});
      }
    }
    render(macro.body);
  }
  floor_ = floor;
  return std::exchange(out_, std::move(outside));
}

}  // namespace intragate::jinja

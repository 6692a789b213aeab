#include "jinja/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;
using Operator = Expression::Operator;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();

Value power(std::int64_t base, std::int64_t exponent, Work& work) {
  if (exponent < 0) return std::pow(static_cast<double>(base), static_cast<double>(exponent));
  std::int64_t result = 1;
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(result, base, &result)) return work.fail("a whole number has at most 64 bits");
  }
  return result;
}

// Towards minus infinity, as Python divides.
std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
}
std::int64_t floor_remainder(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Value of_integers(Operator op, std::int64_t a, std::int64_t b, Work& work) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Operator::add: overflow = __builtin_add_overflow(a, b, &result); break;
    case Operator::sub: overflow = __builtin_sub_overflow(a, b, &result); break;
    case Operator::mul: overflow = __builtin_mul_overflow(a, b, &result); break;
    case Operator::pow: return power(a, b, work);
    default:
      if (b == 0) return work.fail("division by zero");
      if (op == Operator::div) return static_cast<double>(a) / static_cast<double>(b);
      if (b == -1) {
        overflow = a == kLowest;
        result = op == Operator::mod || overflow ? 0 : -a;
      } else {
        result = op == Operator::mod ? floor_remainder(a, b) : floor_quotient(a, b);
      }
  }
  if (overflow) return work.fail("a whole number has at most 64 bits");
  return result;
}

Value of_reals(Operator op, double a, double b, Work& work) {
  switch (op) {
    case Operator::add: return a + b;
    case Operator::sub: return a - b;
    case Operator::mul: return a * b;
    case Operator::pow: return std::pow(a, b);
    default: break;
  }
  if (b == 0) return work.fail("division by zero");
  if (op == Operator::div) return a / b;
  const double quotient = std::floor(a / b);
  return op == Operator::floor_div ? quotient : a - quotient * b;
}

Value joined(const std::vector<Value>& a, const std::vector<Value>& b, Work& work) {
  if (!work.make((a.size() + b.size()) * sizeof(Value))) return {};
  std::vector<Value> all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

Value repeated(const Value& what, std::int64_t count, Work& work) {
  const auto times = static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
  const std::size_t each = what.is(Kind::string) ? what.weight() : what.weight() * sizeof(Value);
  std::size_t size = 0;
  if (__builtin_mul_overflow(times, each, &size)) size = std::numeric_limits<std::size_t>::max();
  if (!work.make(size)) return {};
  if (what.is(Kind::string)) {
    std::string all;
    all.reserve(size);
    for (std::size_t i = 0; i < times && each != 0; ++i) all += what.string();
    return all;
  }
  std::vector<Value> all;
  for (std::size_t i = 0; i < times && each != 0; ++i) all.insert(all.end(), what.list().begin(), what.list().end());
  return all;
}

bool is_sequence(const Value& value) {
  return value.is(Kind::string) || value.is(Kind::list);
}

}  // namespace

Value arithmetic(Operator op, const Value& left, const Value& right, Work& work) {
  if (left.is_number() && right.is_number()) {
    if (left.is(Kind::real) || right.is(Kind::real)) return of_reals(op, left.real(), right.real(), work);
    return of_integers(op, left.integer(), right.integer(), work);
  }
  if (op == Operator::add && left.is(Kind::string) && right.is(Kind::string)) {
    return work.make(left.weight() + right.weight()) ? Value{left.string() + right.string()} : Value{};
  }
  if (op == Operator::add && left.is(Kind::list) && right.is(Kind::list))
    return joined(left.list(), right.list(), work);
  if (op == Operator::mod && left.is(Kind::string)) return printf_text(left.string(), right, work);
  if (op == Operator::mul && is_sequence(left) && right.is(Kind::integer)) return repeated(left, right.integer(), work);
  if (op == Operator::mul && is_sequence(right) && left.is(Kind::integer)) return repeated(right, left.integer(), work);
  return work.fail("'" + std::string{kind_name(left)} + "' and '" + std::string{kind_name(right)} +
                   "' do not go together with this operator");
}

Value negated(const Value& value, Work& work) {
  if (value.is(Kind::real)) return -value.real();
  if (!value.is_number()) return work.fail("'" + std::string{kind_name(value)} + "' has no negative");
  return of_integers(Operator::sub, 0, value.integer(), work);
}

namespace {

// The places that a slice takes of `size`.
std::vector<std::size_t> places(const SliceBounds& bounds, std::int64_t size) {
  const bool up = bounds.step > 0;
  const std::int64_t lowest = up ? 0 : -1;
  const std::int64_t highest = up ? size : size - 1;
  const auto within = [&](std::int64_t at) { return std::clamp(at < 0 ? at + size : at, lowest, highest); };
  const std::int64_t from = bounds.from ? within(*bounds.from) : (up ? lowest : highest);
  const std::int64_t to = bounds.to ? within(*bounds.to) : (up ? highest : lowest);
  std::vector<std::size_t> out;
  for (std::int64_t at = from; up ? at < to : at > to;) {
    out.push_back(static_cast<std::size_t>(at));
    if (__builtin_add_overflow(at, bounds.step, &at)) break;
  }
  return out;
}

}  // namespace

Value sliced(const Value& value, const SliceBounds& bounds, Work& work) {
  if (bounds.step == 0) return work.fail("a slice has no step of zero");
  if (!work.make(value.weight())) return {};
  if (value.is(Kind::undefined)) return {};
  if (value.is(Kind::list)) {
    std::vector<Value> out;
    for (const std::size_t at : places(bounds, static_cast<std::int64_t>(value.list().size())))
      out.push_back(value.list()[at]);
    return out;
  }
  if (!value.is(Kind::string)) return work.fail("'" + std::string{kind_name(value)} + "' has no parts");
  if (!work.make(value.weight() * sizeof(std::string_view))) return {};
  const std::vector<std::string_view> all = characters(value.string());
  std::string out;
  for (const std::size_t at : places(bounds, static_cast<std::int64_t>(all.size()))) out += all[at];
  return out;
}

}  // namespace intragate::jinja

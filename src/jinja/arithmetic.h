// What the operators between two values do, as in Python; whole numbers have 64 bits.
// Owner: none; plain functions. Thread: any. Does not: compare (compare.h).
#pragma once

#include <optional>

#include "jinja/syntax.h"
#include "jinja/work.h"

namespace intragate::jinja {

[[nodiscard]] Value arithmetic(Expression::Operator op, const Value& left, const Value& right, Work& work);
[[nodiscard]] Value negated(const Value& value, Work& work);
// `value[from:to:step]`; none of them needs to be there.
struct SliceBounds {
  std::optional<std::int64_t> from{};
  std::optional<std::int64_t> to{};
  std::int64_t step = 1;
};
[[nodiscard]] Value sliced(const Value& value, const SliceBounds& bounds, Work& work);

}  // namespace intragate::jinja

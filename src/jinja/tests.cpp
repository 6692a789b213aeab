// What may stand behind `is`.
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/name_table.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

template <Kind kind>
Value is_kind(Call& call) {
  return call.self.is(kind);
}
template <Kind kind>
Value is_not_kind(Call& call) {
  return !call.self.is(kind);
}

Value is_number(Call& call) {
  return call.self.is_number();
}
Value is_true(Call& call) {
  return call.self.is(Kind::boolean) && call.self.boolean();
}
Value is_false(Call& call) {
  return call.self.is(Kind::boolean) && !call.self.boolean();
}
Value is_sequence(Call& call) {
  return call.self.is(Kind::string) || call.self.is(Kind::list) || call.self.is(Kind::object) ||
         call.self.is(Kind::undefined);
}
Value is_iterable(Call& call) {
  return is_sequence(call).truth() || call.self.is(Kind::loop);
}
Value is_callable(Call& call) {
  return call.self.is(Kind::function);
}

Value other(Call& call) {
  const Value* const given = call.argument(0, "other");
  return given == nullptr ? call.work.fail("this test needs a value to compare with") : *given;
}

Value is_equal(Call& call) {
  return equal(call.self, other(call), call.work);
}
Value is_not_equal(Call& call) {
  return !equal(call.self, other(call), call.work);
}
Value is_less(Call& call) {
  return order(call.self, other(call), call.work) < 0;
}
Value is_at_most(Call& call) {
  return order(call.self, other(call), call.work) <= 0;
}
Value is_greater(Call& call) {
  return order(call.self, other(call), call.work) > 0;
}
Value is_at_least(Call& call) {
  return order(call.self, other(call), call.work) >= 0;
}
Value is_in(Call& call) {
  return contains(other(call), call.self, call.work);
}
Value is_same(Call& call) {
  return call.self.same_as(other(call));
}

std::int64_t remainder(Call& call, std::int64_t divisor) {
  if (!call.self.is(Kind::integer)) {
    call.work.fail("'" + std::string{kind_name(call.self)} + "' is not a whole number");
    return 0;
  }
  if (divisor == 0) {
    call.work.fail("division by zero");
    return 0;
  }
  return divisor == -1 ? 0 : call.self.integer() % divisor;
}
Value is_even(Call& call) {
  return remainder(call, 2) == 0;
}
Value is_odd(Call& call) {
  return remainder(call, 2) != 0;
}
Value is_divisible(Call& call) {
  return remainder(call, call.number(0, "num", 1)) == 0;
}

// Python's islower(): there is a letter, and all letters are in that case.
Value is_lower(Call& call) {
  if (!call.self.is(Kind::string) || !call.work.make(call.self.weight() * 2)) return false;
  const std::string& text = call.self.string();
  return lower(std::string_view{text}) == text && upper(std::string_view{text}) != text;
}
Value is_upper(Call& call) {
  if (!call.self.is(Kind::string) || !call.work.make(call.self.weight() * 2)) return false;
  const std::string& text = call.self.string();
  return upper(std::string_view{text}) == text && lower(std::string_view{text}) != text;
}

Value is_filter(Call& call) {
  return call.self.is(Kind::string) && find_filter(call.self.string()) != nullptr;
}
Value is_test(Call& call) {
  return call.self.is(Kind::string) && find_test(call.self.string()) != nullptr;
}
Value is_never(Call&) {
  return false;
}

constexpr NamedBuiltin kTests[] = {
    {"defined", is_not_kind<Kind::undefined>},
    {"undefined", is_kind<Kind::undefined>},
    {"none", is_kind<Kind::none>},
    {"boolean", is_kind<Kind::boolean>},
    {"true", is_true},
    {"false", is_false},
    {"integer", is_kind<Kind::integer>},
    {"float", is_kind<Kind::real>},
    {"number", is_number},
    {"string", is_kind<Kind::string>},
    {"mapping", is_kind<Kind::object>},
    {"sequence", is_sequence},
    {"iterable", is_iterable},
    {"callable", is_callable},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"==", is_equal},
    {"ne", is_not_equal},
    {"!=", is_not_equal},
    {"lt", is_less},
    {"lessthan", is_less},
    {"<", is_less},
    {"le", is_at_most},
    {"<=", is_at_most},
    {"gt", is_greater},
    {"greaterthan", is_greater},
    {">", is_greater},
    {"ge", is_at_least},
    {">=", is_at_least},
    {"in", is_in},
    {"sameas", is_same},
    {"even", is_even},
    {"odd", is_odd},
    {"divisibleby", is_divisible},
    {"lower", is_lower},
    {"upper", is_upper},
    {"filter", is_filter},
    {"test", is_test},
    {"escaped", is_never},
};

}  // namespace

Builtin find_test(std::string_view name) {
  return find_in(kTests, name);
}
std::string_view closest_test(std::string_view name) {
  return closest_in(kTests, name);
}

}  // namespace intragate::jinja

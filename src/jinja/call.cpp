#include "jinja/call.h"

#include "jinja/compare.h"

namespace intragate::jinja {

std::int64_t Call::number(std::size_t place, std::string_view name, std::int64_t otherwise) const {
  const Value* const given = argument(place, name);
  if (given == nullptr || given->is(Value::Kind::none)) return otherwise;
  if (given->is(Value::Kind::integer) || given->is(Value::Kind::boolean)) return given->integer();
  work.fail("argument `" + std::string{name} + "` is a whole number, not '" + std::string{kind_name(*given)} + "'");
  return otherwise;
}

std::string Call::text(std::size_t place, std::string_view name, std::string_view otherwise) const {
  const Value* const given = argument(place, name);
  if (given == nullptr || given->is(Value::Kind::none)) return std::string{otherwise};
  if (given->is(Value::Kind::string)) return work.make(given->weight()) ? given->string() : std::string{};
  work.fail("argument `" + std::string{name} + "` is a text, not '" + std::string{kind_name(*given)} + "'");
  return {};
}

}  // namespace intragate::jinja

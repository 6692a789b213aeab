// What `.name` and `[…]` find, and what a loop goes through.
#include "jinja/builtins.h"
#include "jinja/compare.h"
#include "jinja/text.h"

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

Value method_of(const Value& value, std::string_view name) {
  if (find_method(value.kind(), name) == nullptr) return {};
  auto function = std::make_shared<Function>();
  function->kind = Function::Kind::method;
  function->name = name;
  function->self = value;
  return std::shared_ptr<const Function>{std::move(function)};
}

Value neighbour(const Loop& loop, std::size_t index) {
  return index < loop.items->size() ? (*loop.items)[index] : Value{};
}

Value loop_field(const Loop& loop, std::string_view name) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto length = static_cast<std::int64_t>(loop.items->size());
  if (name == "index0") return index;
  if (name == "index") return index + 1;
  if (name == "first") return index == 0;
  if (name == "last") return index + 1 == length;
  if (name == "length") return length;
  if (name == "revindex") return length - index;
  if (name == "revindex0") return length - index - 1;
  if (name == "depth") return loop.depth;
  if (name == "depth0") return loop.depth - 1;
  if (name == "previtem") return loop.index == 0 ? Value{} : neighbour(loop, loop.index - 1);
  if (name == "nextitem") return neighbour(loop, loop.index + 1);
  return {};
}

Value field(const Object& object, std::string_view name) {
  const Value* const found = object.find(name);
  return found == nullptr ? Value{} : *found;
}

}  // namespace

std::vector<Value> items_of(const Value& value, Work& work) {
  std::vector<Value> items;
  switch (value.kind()) {
    case Kind::undefined: return items;
    case Kind::list:
      if (work.make(value.weight() * sizeof(Value))) items = value.list();
      return items;
    case Kind::object:
      if (!work.make(value.weight() * sizeof(Value))) return items;
      for (const Object::Entry& entry : value.object().entries()) items.emplace_back(entry.first);
      return items;
    case Kind::string:
      if (!work.make(value.weight() * (sizeof(Value) + sizeof(std::string)))) return items;
      for (const std::string_view character : characters(value.string())) items.emplace_back(character);
      return items;
    default: work.fail("there is nothing to go through in '" + std::string{kind_name(value)} + "'"); return items;
  }
}

Value member(const Value& value, std::string_view name, Lookup how, Work& work) {
  switch (value.kind()) {
    case Kind::undefined: return work.fail("'" + std::string{name} + "' of what is undefined");
    case Kind::object: {
      if (how == Lookup::attribute) {
        Value method = method_of(value, name);
        if (!method.is(Kind::undefined)) return method;
      }
      if (const Value* const found = value.object().find(name); found != nullptr) return *found;
      return how == Lookup::item ? method_of(value, name) : Value{};
    }
    case Kind::space: return field(value.space().fields, name);
    case Kind::loop: {
      Value found = loop_field(value.loop(), name);
      return found.is(Kind::undefined) ? method_of(value, name) : found;
    }
    default: return method_of(value, name);
  }
}

Value item_at(const Value& value, const Value& index, Work& work) {
  if (work.failed()) return {};
  if (index.is(Kind::string)) return member(value, index.string(), Lookup::item, work);
  if (!index.is(Kind::integer) && !index.is(Kind::boolean)) return {};
  std::int64_t at = index.integer();
  if (value.is(Kind::list)) {
    const auto size = static_cast<std::int64_t>(value.list().size());
    if (at < 0) at += size;
    return at >= 0 && at < size ? value.list()[static_cast<std::size_t>(at)] : Value{};
  }
  if (!value.is(Kind::string) || !work.make(value.weight())) return {};
  const std::string_view text = value.string();
  if (at < 0) at += static_cast<std::int64_t>(count_characters(text));
  if (at < 0) return {};
  std::string_view rest = text;
  for (; at > 0 && !rest.empty(); --at) rest.remove_prefix(first_character(rest).size);
  return rest.empty() ? Value{} : Value{rest.substr(0, first_character(rest).size)};
}

}  // namespace intragate::jinja

#include "jinja/compare.h"

#include <algorithm>

namespace intragate::jinja {
namespace {

using Kind = Value::Kind;

template <class T>
int sign(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int order_of_numbers(const Value& a, const Value& b) {
  if (a.is(Kind::real) || b.is(Kind::real)) return sign(a.real(), b.real());
  return sign(a.integer(), b.integer());
}

bool equal_lists(const std::vector<Value>& a, const std::vector<Value>& b, Work& work) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [&work](const Value& x, const Value& y) { return equal(x, y, work); });
}

bool equal_objects(const Object& a, const Object& b, Work& work) {
  return a.size() == b.size() && std::all_of(a.entries().begin(), a.entries().end(), [&](const Object::Entry& entry) {
           const Value* const other = b.find(entry.first);
           return other != nullptr && equal(entry.second, *other, work);
         });
}

}  // namespace

bool equal(const Value& a, const Value& b, Work& work) {
  if (!work.step()) return false;
  if (a.is_number() && b.is_number()) {
    return a.is(Kind::real) || b.is(Kind::real) ? a.real() == b.real() : a.integer() == b.integer();
  }
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::string:
      return a.string().size() == b.string().size() && work.make(a.weight()) && a.string() == b.string();
    case Kind::list: return equal_lists(a.list(), b.list(), work);
    case Kind::object: return equal_objects(a.object(), b.object(), work);
    default: return a.same_as(b);
  }
}

int order(const Value& a, const Value& b, Work& work) {
  if (!work.step()) return 0;
  if (a.is_number() && b.is_number()) return order_of_numbers(a, b);
  if (a.is(Kind::string) && b.is(Kind::string)) return work.step(a.weight() / 64) ? sign(a.string(), b.string()) : 0;
  if (a.is(Kind::list) && b.is(Kind::list)) {
    const std::size_t both = std::min(a.list().size(), b.list().size());
    for (std::size_t i = 0; i < both && !work.failed(); ++i) {
      if (!equal(a.list()[i], b.list()[i], work)) return order(a.list()[i], b.list()[i], work);
    }
    return sign(a.list().size(), b.list().size());
  }
  work.fail("'" + std::string{kind_name(a)} + "' and '" + std::string{kind_name(b)} + "' have no order");
  return 0;
}

bool contains(const Value& container, const Value& item, Work& work) {
  if (!work.step(1 + container.weight() / 64)) return false;
  switch (container.kind()) {
    case Kind::undefined: return false;
    case Kind::string:
      if (item.is(Kind::string)) return container.string().find(item.string()) != std::string::npos;
      work.fail("only a text can be in a text, not '" + std::string{kind_name(item)} + "'");
      return false;
    case Kind::object: return item.is(Kind::string) && container.object().find(item.string()) != nullptr;
    case Kind::list: {
      const std::vector<Value>& list = container.list();
      return std::any_of(list.begin(), list.end(), [&](const Value& one) { return equal(one, item, work); });
    }
    default: work.fail("nothing is in '" + std::string{kind_name(container)} + "'"); return false;
  }
}

std::string_view kind_name(const Value& value) {
  switch (value.kind()) {
    case Kind::undefined: return "undefined";
    case Kind::none: return "NoneType";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::real: return "float";
    case Kind::string: return "str";
    case Kind::list: return "list";
    case Kind::object: return "dict";
    case Kind::space: return "Namespace";
    case Kind::loop: return "LoopContext";
    case Kind::function: return "function";
  }
  return "object";
}

}  // namespace intragate::jinja

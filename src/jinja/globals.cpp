// The functions that a template finds without being given them.
#include "jinja/builtins.h"
#include "jinja/name_table.h"
#include "jinja/print.h"

namespace intragate::jinja {
namespace {

Value range(Call& call) {
  const bool one = call.arguments.size() < 2;
  const std::int64_t from = one ? 0 : call.number(0, "start", 0);
  const std::int64_t to = call.number(one ? 0 : 1, "stop", 0);
  const std::int64_t step = call.number(2, "step", 1);
  if (step == 0) return call.work.fail("range() has no step of zero");
  std::vector<Value> out;
  for (std::int64_t at = from; step > 0 ? at < to : at > to;) {
    if (!call.work.make(sizeof(Value)) || !call.work.step()) return {};
    out.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return out;
}

Object fields_of(Call& call) {
  Object fields;
  if (!call.arguments.empty() && call.arguments.front().is(Value::Kind::object))
    fields = call.arguments.front().object();
  for (const auto& [name, value] : call.named) fields.set(name, value);
  return fields;
}

Value new_namespace(Call& call) {
  return call.work.new_space(fields_of(call));
}
Value new_dict(Call& call) {
  return fields_of(call);
}

Value raise_exception(Call& call) {
  const Value* const message = call.argument(0, "message");
  return call.work.refuse(message == nullptr ? "no reason given" : text_of(*message, call.work));
}

Value strftime_now(Call& call) {
  return time_text(call.text(0, "format", ""), call.work.now());
}

constexpr NamedBuiltin kGlobals[] = {
    {"range", range},
    {"namespace", new_namespace},
    {"dict", new_dict},
    {"raise_exception", raise_exception},
    {"strftime_now", strftime_now},
};

}  // namespace

Builtin find_global(std::string_view name) {
  return find_in(kGlobals, name);
}

}  // namespace intragate::jinja

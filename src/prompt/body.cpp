#include "prompt/body.h"

#include "jinja/json.h"

namespace intragate::prompt {
namespace {

using jinja::Object;
using jinja::Value;
using Kind = BodyName::Kind;

// Ends a string, an object and a line wherever it is not escaped.
constexpr std::string_view kHostile = "\"}],\"x\":[{\\\n\t{{ }}{% \u2028";

enum class Roles : std::uint8_t { known, hostile };
enum class Sent : std::uint8_t { least, everything };  // of what clients may leave out

Object function() {
  return {{"name", kHostile},
          {"arguments", kHostile},
          {"description", kHostile},
          {"parameters", kHostile},
          {"strict", kHostile}};
}

Value calls() {
  return std::vector<Value>{Object{{"id", kHostile}, {"type", kHostile}, {"function", function()}}};
}

Value message(std::string_view role) {
  return Object{{"role", role},
                {"content", kHostile},
                {"name", kHostile},
                {"tool_call_id", kHostile},
                {"reasoning_content", kHostile},
                {"tool_calls", calls()}};
}

// What a client may send where OpenAI's API has an object, or a word.
Value any_json(std::string_view name) {
  if (name == "tools") return calls();
  Object value = function();
  for (const char* const key : {"type", "enable_thinking", "thinking", "reasoning_effort"}) value.set(key, kHostile);
  value.set("function", function());
  value.set("json_schema", Object{{"name", kHostile}, {"schema", kHostile}, {"strict", kHostile}});
  return value;
}

Value sample(const BodyName& name, Roles roles) {
  switch (name.kind) {
    case Kind::text: return kHostile;
    case Kind::number: return 0.5;
    case Kind::flag: return roles == Roles::known;
    case Kind::texts: return std::vector<Value>{Value{kHostile}};
    case Kind::json: break;
  }
  if (name.name != "messages") return any_json(name.name);
  if (roles == Roles::hostile) return std::vector<Value>{message(kHostile)};
  return std::vector<Value>{message("system"), message("user"), message("assistant"), message("user")};
}

Object samples(Sent sent, Roles roles) {
  Object values;
  for (const BodyName& name : kBodyNames) {
    if (name.always || sent == Sent::everything) values.set(name.name, sample(name, roles));
  }
  if (sent == Sent::least) values.set("stop", std::vector<Value>{});
  return values;
}

Error unusable(std::string why) {
  return make_error(Code::invalid_configuration, std::move(why));
}

bool is_json(const std::string& text) {
  const Result<Value> value = jinja::from_json(text);
  return value && (value->is(Value::Kind::object) || value->is(Value::Kind::list));
}

}  // namespace

Result<BodyTemplate> BodyTemplate::make(std::string_view source) {
  Result<jinja::Template> compiled = jinja::Template::compile(source);
  if (!compiled) return unusable(compiled.error().message);
  BodyTemplate made{std::move(*compiled)};
  for (const Sent sent : {Sent::everything, Sent::least}) {
    for (const Roles roles : {Roles::known, Roles::hostile}) {
      const Result<std::string> body = made.render(samples(sent, roles), WallTime{});
      if (!body && body.error().code == Code::invalid_request) continue;  // it says no to such a request
      const std::string when = sent == Sent::least ? " for a request that says only what it must" : "";
      if (!body) return unusable("it fails" + when + ": " + body.error().detail);
      if (is_json(*body)) continue;
      return unusable("it makes no JSON" + when +
                      ": every text goes through `tojson`, and what clients may leave out through `default`");
    }
  }
  return made;
}

}  // namespace intragate::prompt

#include "prompt/messages.h"

#include <algorithm>

#include "jinja/json.h"

namespace intragate::prompt {
namespace {

using jinja::Object;
using jinja::Value;
using Kind = Value::Kind;

bool is_text_part(const Value& part) {
  if (part.is(Kind::string)) return true;
  if (!part.is(Kind::object)) return false;
  const Value* const text = part.object().find("text");
  return text != nullptr && text->is(Kind::string);
}

Value plain_content(const Value* content) {
  if (content == nullptr || content->is(Kind::none)) return "";
  if (!content->is(Kind::list) || !std::all_of(content->list().begin(), content->list().end(), is_text_part))
    return *content;
  std::string all;
  for (const Value& part : content->list()) {
    if (&part != content->list().data()) all += '\n';
    all += part.is(Kind::string) ? part.string() : part.object().find("text")->string();
  }
  return all;
}

// `arguments` is the JSON of an object, in a string.
Value plain_call(const Value& call) {
  if (!call.is(Kind::object)) return call;
  const Value* const function = call.object().find("function");
  if (function == nullptr || !function->is(Kind::object)) return call;
  const Value* const arguments = function->object().find("arguments");
  if (arguments == nullptr || !arguments->is(Kind::string)) return call;
  Result<Value> parsed = jinja::from_json(arguments->string());
  if (!parsed || !parsed->is(Kind::object)) return call;
  Object plain_function = function->object();
  plain_function.set("arguments", std::move(*parsed));
  Object plain = call.object();
  plain.set("function", std::move(plain_function));
  return plain;
}

Value plain_calls(const std::vector<Value>& calls) {
  std::vector<Value> out;
  out.reserve(calls.size());
  for (const Value& call : calls) out.push_back(plain_call(call));
  return out;
}

}  // namespace

Result<Value> plain_messages(const Object& request) {
  const Value* const messages = request.find("messages");
  if (messages == nullptr || !messages->is(Kind::list) || messages->list().empty()) {
    return make_error(Code::invalid_request, "`messages` must be a list with at least one message");
  }
  std::vector<Value> out;
  out.reserve(messages->list().size());
  for (const Value& message : messages->list()) {
    const Value* const role = message.is(Kind::object) ? message.object().find("role") : nullptr;
    if (role == nullptr || !role->is(Kind::string)) {
      return make_error(Code::invalid_request, "every message must be an object with a `role`");
    }
    Object plain = message.object();
    if (role->string() == "developer") plain.set("role", "system");
    plain.set("content", plain_content(message.object().find("content")));
    const Value* const calls = message.object().find("tool_calls");
    if (calls != nullptr && calls->is(Kind::list)) plain.set("tool_calls", plain_calls(calls->list()));
    out.emplace_back(std::move(plain));
  }
  return Value{std::move(out)};
}

}  // namespace intragate::prompt

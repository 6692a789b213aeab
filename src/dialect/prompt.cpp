#include "dialect/prompt.h"

#include "jinja/json.h"

namespace intragate::dialect {
namespace {

using jinja::Object;
using jinja::Value;

Value call_of(const llm::ToolCall& call) {
  return Object{
      {"id", call.id}, {"type", "function"}, {"function", Object{{"name", call.name}, {"arguments", call.arguments}}}};
}

Value message_of(const llm::Message& message) {
  Object out{{"role", message.role}, {"content", message.text}};
  if (!message.reasoning.empty()) out.set("reasoning_content", message.reasoning);
  if (!message.name.empty()) out.set("name", message.name);
  if (!message.tool_call_id.empty()) out.set("tool_call_id", message.tool_call_id);
  if (message.tool_calls.empty()) return out;
  std::vector<Value> calls;
  for (const llm::ToolCall& call : message.tool_calls) calls.push_back(call_of(call));
  out.set("tool_calls", std::move(calls));
  return out;
}

}  // namespace

bool wants_tools(const llm::Request& request) {
  const std::string_view tools = request.raw("tools");
  return tools.starts_with('[') && tools.find('{') != std::string_view::npos &&
         request.raw("tool_choice") != "\"none\"";
}

Error no_tools() {
  return make_error(Code::invalid_request,
                    "This model's interface has no way to say which tools there are: ask without `tools`.");
}

Result<Value> messages_of(const llm::Request& request) {
  std::vector<Value> out;
  if (request.api == llm::Api::completions) out.emplace_back(Object{{"role", "user"}, {"content", request.prompt}});
  for (const llm::Message& message : request.messages) {
    if (!message.images.empty())
      return make_error(Code::invalid_request, "This model's interface takes text only, no pictures.");
    out.push_back(message_of(message));
  }
  return Value{std::move(out)};
}

Result<Prompts> Prompts::make(const config::Endpoint& endpoint) {
  Prompts made;
  made.tool_form_ = tool_form(endpoint);
  if (endpoint.chat_template.empty()) return made;
  Result<prompt::ChatTemplate> chat = prompt::ChatTemplate::make(endpoint.chat_template);
  if (!chat) return std::move(chat).error();
  made.chat_ = *std::move(chat);
  return made;
}

Result<std::string> Prompts::render(const llm::Request& request) const {
  Result<Value> messages = messages_of(request);
  if (!messages) return std::move(messages).error();
  Object values{{"messages", *std::move(messages)}};
  for (const char* const name : {"tools", "documents", "chat_template_kwargs", "add_generation_prompt"}) {
    const std::string_view raw = request.raw(name);
    if (raw.empty() || (name == std::string_view{"tools"} && !wants_tools(request))) continue;
    Result<Value> value = jinja::from_json(raw);
    if (!value)
      return make_error(Code::invalid_request, "The request's `" + std::string{name} + "` is not valid JSON.");
    values.set(name, *std::move(value));
  }
  return chat_->render(values, request.now);
}

Result<std::string> Prompts::of(const llm::Request& request) const {
  if (request.api == llm::Api::completions) return request.prompt;
  if (request.api == llm::Api::embeddings) {
    return make_error(Code::invalid_request, "This model's interface generates text and has no embeddings.");
  }
  if (!chat_) {
    return make_error(Code::invalid_request,
                      "This model's interface takes one prompt and no chat: use /v1/completions with it.");
  }
  if (wants_tools(request) && !has_tools()) return no_tools();
  Result<std::string> text = render(request);
  if (text && !bos().empty() && text->starts_with(bos())) text->erase(0, bos().size());
  return text;
}

std::optional<std::string> Prompts::whole(const llm::Request& request) const {
  if (!chat_ || request.api != llm::Api::chat) return std::nullopt;
  Result<std::string> text = render(request);
  if (!text) return std::nullopt;
  return *std::move(text);
}

std::vector<std::string> Prompts::stops(const llm::Request& request, std::size_t most) const {
  std::vector<std::string> out = request.stop;
  if (!chat_ || request.api != llm::Api::chat) return out;
  for (const std::string& end : chat_->ends()) {
    if (out.size() < most) out.push_back(end);
  }
  return out;
}

void Prompts::cut_end(std::string& text) const {
  if (!chat_) return;
  for (const std::string& end : chat_->ends()) {
    if (text.ends_with(end)) text.resize(text.size() - end.size());
  }
}

}  // namespace intragate::dialect

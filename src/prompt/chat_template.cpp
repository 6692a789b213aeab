#include "prompt/chat_template.h"

#include <algorithm>

#include "base/text.h"
#include "prompt/built_in.h"
#include "prompt/guard.h"
#include "prompt/messages.h"

namespace intragate::prompt {
namespace {

using jinja::Object;
using jinja::Value;
using Kind = Value::Kind;

Error unusable(std::string why) {
  return make_error(Code::invalid_configuration, "chat template: " + std::move(why));
}

// `bos_token` and its like are a text, or an object with the text in `content`.
std::string token_text(const Object& config, std::string_view name) {
  const Value* value = config.find(name);
  if (value != nullptr && value->is(Kind::object)) value = value->object().find("content");
  return value != nullptr && value->is(Kind::string) ? value->string() : std::string{};
}

// `chat_template` is a source, or a list of named ones, of which "default" counts.
std::string_view source_in(const Object& config) {
  const Value* const value = config.find("chat_template");
  if (value == nullptr) return {};
  if (value->is(Kind::string)) return value->string();
  if (!value->is(Kind::list)) return {};
  for (const Value& one : value->list()) {
    if (!one.is(Kind::object)) continue;
    const Value* const name = one.object().find("name");
    const Value* const source = one.object().find("template");
    const bool is_text = name != nullptr && source != nullptr && name->is(Kind::string) && source->is(Kind::string);
    if (is_text && name->string() == "default") return source->string();
  }
  return {};
}

void add_special(std::vector<std::string>& special, std::string token) {
  if (!token.empty() && std::find(special.begin(), special.end(), token) == special.end())
    special.push_back(std::move(token));
}

// `added_tokens_decoder`: by number, those that are marked special.
void add_special_of(std::vector<std::string>& special, const Object& config) {
  const Value* const added = config.find("added_tokens_decoder");
  if (added == nullptr || !added->is(Kind::object)) return;
  for (const auto& [number, token] : added->object().entries()) {
    if (!token.is(Kind::object)) continue;
    const Value* const mark = token.object().find("special");
    if (mark != nullptr && mark->truth()) add_special(special, token_text(token.object(), "content"));
  }
}

}  // namespace

Result<ChatTemplate> ChatTemplate::of_source(std::string_view source) {
  Result<jinja::Template> made = jinja::Template::compile(source, jinja::Template::kChat);
  if (!made) return unusable(made.error().message);
  ChatTemplate out{std::move(*made)};
  out.special_ = marks_in(source);
  return out;
}

Result<ChatTemplate> ChatTemplate::of_tokenizer_config(const Object& config) {
  const std::string_view source = source_in(config);
  if (source.empty()) return unusable("this tokenizer_config.json has no `chat_template`");
  Result<ChatTemplate> made = of_source(source);
  if (!made) return made;
  made->bos_ = token_text(config, "bos_token");
  made->eos_ = token_text(config, "eos_token");
  if (!made->eos_.empty()) made->ends_.push_back(made->eos_);
  add_special(made->special_, made->bos_);
  add_special(made->special_, made->eos_);
  add_special_of(made->special_, config);
  return made;
}

Result<ChatTemplate> ChatTemplate::make(std::string_view name_or_text) {
  std::vector<std::string_view> names;
  for (const BuiltIn& one : built_ins()) {
    names.push_back(one.name);
    if (one.name != name_or_text) continue;
    Result<ChatTemplate> made = of_source(one.source);
    if (!made) return made;
    made->bos_ = one.bos;
    made->eos_ = one.eos;
    made->ends_.emplace_back(one.eos);
    add_special(made->special_, made->bos_);
    add_special(made->special_, made->eos_);
    return made;
  }
  const bool is_word = name_or_text.size() < 64 && name_or_text.find_first_of("{ \n") == std::string_view::npos;
  if (is_word) {
    const std::string_view closest = text::closest_word(name_or_text, names);
    std::string why = "there is no built-in " + text::quoted(name_or_text);
    if (!closest.empty()) why += ", did you mean `" + std::string{closest} + "`?";
    return unusable(why +
                    " Built in are chatml, llama-2, llama-3, qwen, mistral, gemma, deepseek; others by file:/path");
  }
  if (Result<Value> config = jinja::from_json(name_or_text); config && config->is(Kind::object)) {
    return of_tokenizer_config(config->object());
  }
  return of_source(name_or_text);
}

Result<std::string> ChatTemplate::render(const Object& request, WallTime now) const {
  Result<Value> messages = plain_messages(request);
  if (!messages) return std::move(messages).error();
  Object context;
  if (const Value* const more = request.find("chat_template_kwargs"); more != nullptr && more->is(Kind::object)) {
    for (const auto& [name, value] : more->object().entries()) context.set(name, guarded(value, special_));
  }
  context.set("messages", guarded(*messages, special_));
  for (const char* const name : {"tools", "documents"}) {
    const Value* const given = request.find(name);
    const bool some = given != nullptr && given->is(Kind::list) && !given->list().empty();
    context.set(name, some ? guarded(*given, special_) : Value::none());
  }
  const Value* const generate = request.find("add_generation_prompt");
  context.set("add_generation_prompt", generate == nullptr || generate->truth());
  context.set("bos_token", bos_);
  context.set("eos_token", eos_);
  return template_.render(context, now);
}

}  // namespace intragate::prompt

// Requests: messages of content blocks become messages of chat. Values that are the same in both pass as they are
// written; texts of one block too.
#include <algorithm>
#include <array>

#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/chat_draft.h"
#include "dialect/messages.h"

namespace intragate::dialect::messages {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kMostMessages = 10'000;

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

// One content block: what the API has in blocks of any type.
struct Block {
  std::string type;
  std::optional<Member> text;  // of text
  std::optional<Member> thinking;
  std::optional<Member> source;  // of image, document
  std::optional<Member> id;      // of tool_use; of tool_result: tool_use_id
  std::optional<Member> name;
  std::optional<Member> input;
  std::optional<Member> content;  // of tool_result
};

Result<Block> read_block(const Member& from, ChatDraft& draft) {
  if (Result<Unit> counted = draft.another(); !counted) return std::move(counted).error();
  if (from.kind != Kind::object) return invalid("A message's `content` must be a text or a list of content blocks.");
  Block block;
  json::ObjectScan scan{from.value};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(block.type, member->value);
    if (json::key_is(*member, "text")) block.text = member;
    if (json::key_is(*member, "thinking")) block.thinking = member;
    if (json::key_is(*member, "source")) block.source = member;
    if (json::key_is(*member, "id") || json::key_is(*member, "tool_use_id")) block.id = member;
    if (json::key_is(*member, "name")) block.name = member;
    if (json::key_is(*member, "input")) block.input = member;
    if (json::key_is(*member, "content")) block.content = member;
  }
  if (scan.failed()) return make_error(Code::invalid_json, "A content block of the request is not valid JSON.");
  return block;
}

Error unknown_block(const Block& block) {
  return invalid("A message has a content block of the type `" + block.type.substr(0, 40) +
                 "`, which this gateway does not take here: only text, image, tool_use, tool_result and thinking.");
}

// A picture's address as chat has it: a raw string. What is no data is the model's to fetch, or not.
Result<std::string> picture(const Block& block) {
  std::string type;
  std::optional<Member> media;
  std::optional<Member> data;
  std::optional<Member> url;
  json::ObjectScan scan{raw_or(block.source, "{}")};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(type, member->value);
    if (json::key_is(*member, "media_type")) media = member;
    if (json::key_is(*member, "data")) data = member;
    if (json::key_is(*member, "url")) url = member;
  }
  if (type == "url" && is_string(url)) return std::string{url->value};
  if (type != "base64" || !is_string(media) || !is_string(data)) {
    return invalid("A picture of the request must have a `source` of the type base64 or url.");
  }
  std::string address = "\"data:";
  address += inside(media->value);
  address += ";base64,";
  return address + std::string{data->value.substr(1)};
}

Result<Unit> add_document(const Block& block, Parts& parts) {
  std::string type;
  std::optional<Member> data;
  json::ObjectScan scan{raw_or(block.source, "{}")};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(type, member->value);
    if (json::key_is(*member, "data")) data = member;
  }
  if (type != "text" || !is_string(data)) return invalid("Documents must come as text: this gateway reads no PDF.");
  parts.add_text(data->value);
  return Unit{};
}

// What a user or a tool says. Errors: also for blocks of other types.
Result<Unit> add_block(const Block& block, Parts& parts) {
  if (block.type == "text" && is_string(block.text)) {
    parts.add_text(block.text->value);
    return Unit{};
  }
  if (block.type == "document") return add_document(block, parts);
  if (block.type != "image") return unknown_block(block);
  Result<std::string> address = picture(block);
  if (!address) return std::move(address).error();
  parts.add_picture(*address);
  return Unit{};
}

Result<Unit> add_system(const Member& system, ChatDraft& draft) {
  if (system.kind == Kind::null) return Unit{};
  if (system.kind == Kind::string) {
    draft.system(inside(system.value));
    return Unit{};
  }
  if (system.kind != Kind::array) return invalid("The request's `system` must be a text or a list of text blocks.");
  Parts parts;
  json::ArrayScan scan{system.value};
  while (const std::optional<Member> element = scan.next()) {
    Result<Block> block = read_block(*element, draft);
    if (!block) return std::move(block).error();
    if (block->type != "text" || !is_string(block->text)) return invalid("The request's `system` must be text.");
    parts.add_text(block->text->value);
  }
  if (parts.any()) draft.system(parts.text());
  return Unit{};
}

// Results of tools are messages of their own, before what the user says besides; pictures in them go to the user.
Result<Unit> add_result(const Block& block, Parts& pictures, ChatDraft& draft) {
  Parts parts;
  if (is_string(block.content)) parts.add_text(block.content->value);
  if (block.content && block.content->kind == Kind::array) {
    json::ArrayScan scan{block.content->value};
    while (const std::optional<Member> element = scan.next()) {
      Result<Block> inner = read_block(*element, draft);
      if (!inner) return std::move(inner).error();
      Result<Unit> added = add_block(*inner, inner->type == "image" ? pictures : parts);
      if (!added) return added;
    }
  }
  if (!is_string(block.id)) return invalid("A `tool_result` of the request has no `tool_use_id`.");
  draft.result(block.id->value, parts.content());
  return Unit{};
}

Result<Unit> add_user(std::string_view blocks, ChatDraft& draft) {
  Parts parts;
  bool results = false;
  json::ArrayScan scan{blocks};
  while (const std::optional<Member> element = scan.next()) {
    Result<Block> block = read_block(*element, draft);
    if (!block) return std::move(block).error();
    const bool result = block->type == "tool_result";
    results = results || result;
    Result<Unit> added = result ? add_result(*block, parts, draft) : add_block(*block, parts);
    if (!added) return added;
  }
  if (parts.any() || !results) draft.user(parts.content());
  return Unit{};
}

Result<Unit> add_assistant(std::string_view blocks, ChatDraft& draft) {
  draft.assistant({});
  json::ArrayScan scan{blocks};
  while (const std::optional<Member> element = scan.next()) {
    Result<Block> block = read_block(*element, draft);
    if (!block) return std::move(block).error();
    if (block->type == "text" && is_string(block->text)) {
      draft.assistant(inside(block->text->value));
    } else if (block->type == "thinking" && is_string(block->thinking)) {
      draft.reasoning(inside(block->thinking->value));
    } else if (block->type == "tool_use" && is_string(block->id) && is_string(block->name)) {
      std::string arguments;
      json::append_string(arguments, raw_or(block->input, "{}"));
      draft.call(block->id->value, block->name->value, arguments);
    } else if (block->type != "redacted_thinking") {
      return unknown_block(*block);
    }
  }
  return Unit{};
}

void add_text(std::string_view role, std::string_view raw, ChatDraft& draft) {
  if (role == "user") {
    draft.user(raw);
  } else if (role == "system") {
    draft.system(inside(raw));
  } else {
    draft.assistant(inside(raw));
  }
}

Result<Unit> add_message(const Member& message, ChatDraft& draft) {
  std::string role;
  std::optional<Member> content;
  json::ObjectScan scan{message.kind == Kind::object ? message.value : "{}"};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "role")) json::append_text(role, member->value);
    if (json::key_is(*member, "content")) content = member;
  }
  if (scan.failed()) return make_error(Code::invalid_json, "A message of the request is not valid JSON.");
  if (role != "user" && role != "assistant" && role != "system") {
    return invalid("The request's `messages` must be a list of messages of the roles `user` and `assistant`.");
  }
  if (is_string(content)) {
    add_text(role, content->value, draft);
    return Unit{};
  }
  if (!content || content->kind != Kind::array) {
    return invalid("A message's `content` must be a text or a list of content blocks.");
  }
  if (role == "system") return add_system(*content, draft);
  return role == "user" ? add_user(content->value, draft) : add_assistant(content->value, draft);
}

Result<std::string> conversation_of(const std::optional<Member>& system, const std::optional<Member>& messages) {
  ChatDraft draft;
  if (system) {
    Result<Unit> added = add_system(*system, draft);
    if (!added) return std::move(added).error();
  }
  if (!messages || messages->kind != Kind::array) return invalid("The request has no list of `messages`.");
  json::ArrayScan scan{messages->value};
  std::size_t count = 0;
  while (const std::optional<Member> message = scan.next()) {
    if (++count > kMostMessages) return invalid("The request has more than 10,000 messages.");
    Result<Unit> added = add_message(*message, draft);
    if (!added) return std::move(added).error();
  }
  if (scan.failed()) return make_error(Code::invalid_json, "The request's `messages` are not valid JSON.");
  if (count == 0) return invalid("The request's `messages` are empty.");
  return draft.list();
}

Result<std::string> tool_of(const Member& from) {
  std::string type;
  std::optional<Member> name;
  std::optional<Member> description;
  std::optional<Member> schema;
  json::ObjectScan scan{from.kind == Kind::object ? from.value : "{}"};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(type, member->value);
    if (json::key_is(*member, "name")) name = member;
    if (json::key_is(*member, "description")) description = member;
    if (json::key_is(*member, "input_schema")) schema = member;
  }
  if (!type.empty() && type != "custom") {
    return invalid("Tools of the type `" + type.substr(0, 40) + "` run at their provider's, and there is none here.");
  }
  if (!is_string(name)) return invalid("A tool of the request has no `name`.");
  std::string tool;
  json::Writer json{tool};
  json.open_object().text("type", "function").open_object("function").raw("name", name->value);
  if (is_string(description)) json.raw("description", description->value);
  json.raw("parameters", raw_or(schema, R"({"type":"object"})")).close_object().close_object();
  return tool;
}

Result<std::string> tools_of(const Member& tools) {
  if (tools.kind != Kind::array) return invalid("The request's `tools` must be a list.");
  std::string list;
  std::size_t count = 0;
  json::ArrayScan scan{tools.value};
  while (const std::optional<Member> element = scan.next()) {
    if (++count > kMostTools) return invalid("The request has more than 10,000 tools.");
    Result<std::string> tool = tool_of(*element);
    if (!tool) return tool;
    if (!list.empty()) list += ',';
    list += *tool;
  }
  if (scan.failed()) return make_error(Code::invalid_json, "The request's `tools` are not valid JSON.");
  return list;
}

Result<Unit> add_tool_choice(const Member& choice, json::Writer& to) {
  std::string type;
  std::optional<Member> name;
  bool one_at_a_time = false;
  json::ObjectScan scan{choice.kind == Kind::object ? choice.value : "{}"};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(type, member->value);
    if (json::key_is(*member, "name")) name = member;
    if (json::key_is(*member, "disable_parallel_tool_use")) one_at_a_time = member->value == "true";
  }
  if (type == "auto" || type == "none") {
    to.text("tool_choice", type);
  } else if (type == "any") {
    to.text("tool_choice", "required");
  } else if (type == "tool" && is_string(name)) {
    to.open_object("tool_choice").text("type", "function");
    to.open_object("function").raw("name", name->value).close_object().close_object();
  } else {
    return invalid("The request's `tool_choice` must be of the type auto, any, tool or none.");
  }
  if (one_at_a_time) to.flag("parallel_tool_calls", false);
  return Unit{};
}

// {"type":"json_schema","schema":…}, in `output_config.format` or in the older `output_format`.
void add_format(std::string_view format, json::Writer& to) {
  std::optional<Member> schema;
  json::ObjectScan scan{format};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "schema")) schema = member;
  }
  if (!schema || schema->kind != Kind::object) return;
  to.open_object("response_format").text("type", "json_schema").open_object("json_schema");
  to.text("name", "answer").raw("schema", schema->value).flag("strict", true).close_object().close_object();
}

// Members that mean the same in chat, or that model servers know besides.
constexpr std::array<std::string_view, 12> kSame{"model",
                                                 "max_tokens",
                                                 "stream",
                                                 "temperature",
                                                 "top_p",
                                                 "top_k",
                                                 "min_p",
                                                 "seed",
                                                 "presence_penalty",
                                                 "logit_bias",
                                                 "frequency_penalty",
                                                 "chat_template_kwargs"};

Result<Unit> add_member(const Member& member, json::Writer& to) {
  const auto* const same =
      std::find_if(kSame.begin(), kSame.end(), [&](std::string_view key) { return json::key_is(member, key); });
  if (same != kSame.end()) to.raw(*same, member.value);
  if (member.kind == Kind::null) return Unit{};
  if (json::key_is(member, "stop_sequences")) to.raw("stop", member.value);
  if (json::key_is(member, "metadata")) {
    const std::optional<Member> user = member_of(member, "user_id");
    if (is_string(user)) to.raw("user", user->value);
  }
  if (json::key_is(member, "tools")) {
    Result<std::string> tools = tools_of(member);
    if (!tools) return std::move(tools).error();
    if (!tools->empty()) to.raw("tools", '[' + *tools + ']');
  }
  if (json::key_is(member, "tool_choice")) return add_tool_choice(member, to);
  if (json::key_is(member, "output_format") && member.kind == Kind::object) add_format(member.value, to);
  if (json::key_is(member, "output_config")) {
    const std::optional<Member> format = member_of(member, "format");
    if (format && format->kind == Kind::object) add_format(format->value, to);
  }
  if (json::key_is(member, "mcp_servers") && member.value != "[]") {
    return invalid("This gateway connects to no MCP servers (`mcp_servers`): connect to them yourself.");
  }
  return Unit{};
}

}  // namespace

Result<std::string> chat_request(std::string_view body) {
  std::string chat;
  json::Writer writer{chat};
  writer.open_object();
  std::optional<Member> system;
  std::optional<Member> messages;
  std::size_t count = 0;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (++count > kMostMembers) return invalid("The request has more than 10,000 members.");
    if (json::key_is(*member, "system")) system = member;
    if (json::key_is(*member, "messages")) messages = member;
    Result<Unit> added = add_member(*member, writer);
    if (!added) return std::move(added).error();
  }
  if (scan.failed()) {
    return make_error(Code::invalid_json, "The request's body is not a JSON object: " + scan.problem() + ".");
  }
  Result<std::string> conversation = conversation_of(system, messages);
  if (!conversation) return conversation;
  writer.raw("messages", *conversation).close_object();
  return chat;
}

}  // namespace intragate::dialect::messages

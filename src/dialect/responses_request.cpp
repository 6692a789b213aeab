// Requests: items become messages of chat.
#include <algorithm>
#include <array>

#include "base/json_check.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "dialect/chat_draft.h"
#include "dialect/responses.h"

namespace intragate::dialect::responses {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kMostItems = 10'000;
constexpr std::size_t kLongestEcho = 4096;  // of one member

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

std::string text_of(const std::optional<Member>& member) {
  std::string text;
  if (member) json::append_text(text, member->value);
  return text;
}

// An item, or a part of one.
struct Item {
  std::string type;
  std::string role;
  std::optional<Member> content;
  std::optional<Member> text;     // of a part
  std::optional<Member> picture;  // of a part
  std::optional<Member> call_id;
  std::optional<Member> name;
  std::optional<Member> arguments;
  std::optional<Member> output;
  std::optional<Member> summary;
};

Result<Item> read_item(const Member& from) {
  if (from.kind != Kind::object) return invalid("The request's `input` must be a text or a list of items.");
  Item item;
  json::ObjectScan scan{from.value};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(item.type, member->value);
    if (json::key_is(*member, "role")) json::append_text(item.role, member->value);
    if (json::key_is(*member, "content")) item.content = member;
    if (json::key_is(*member, "text") || json::key_is(*member, "refusal")) item.text = member;
    if (json::key_is(*member, "image_url")) item.picture = member;
    if (json::key_is(*member, "call_id")) item.call_id = member;
    if (json::key_is(*member, "name")) item.name = member;
    if (json::key_is(*member, "arguments")) item.arguments = member;
    if (json::key_is(*member, "output")) item.output = member;
    if (json::key_is(*member, "summary")) item.summary = member;
  }
  if (scan.failed()) return make_error(Code::invalid_json, "An item of the request's `input` is not valid JSON.");
  return item;
}

// A text, or a list of parts. Pictures go to `pictures`, which may be the same.
Result<Unit> read_content(const std::optional<Member>& content, Parts& parts, Parts& pictures, ChatDraft& draft) {
  if (is_string(content)) {
    parts.add_text(content->value);
    return Unit{};
  }
  if (!content || content->kind != Kind::array)
    return invalid("An item's `content` must be a text or a list of parts.");
  json::ArrayScan scan{content->value};
  while (const std::optional<Member> element = scan.next()) {
    if (Result<Unit> counted = draft.another(); !counted) return counted;
    Result<Item> part = read_item(*element);
    if (!part) return std::move(part).error();
    const bool text = part->type == "input_text" || part->type == "output_text" || part->type == "refusal" ||
                      part->type == "reasoning_text" || part->type == "summary_text" || part->type == "text";
    if (text && is_string(part->text)) {
      parts.add_text(part->text->value);
    } else if (part->type == "input_image" && is_string(part->picture)) {
      pictures.add_picture(part->picture->value);
    } else {
      return invalid("An item has a part of the type `" + part->type.substr(0, 40) +
                     "`, which this gateway does not take: only input_text, output_text and input_image with an "
                     "`image_url`.");
    }
  }
  return Unit{};
}

Result<Unit> add_message(const Item& item, ChatDraft& draft) {
  Parts parts;
  Result<Unit> read = read_content(item.content, parts, parts, draft);
  if (!read) return read;
  if (item.role == "user") {
    draft.user(parts.content());
  } else if (!parts.only_text()) {
    return invalid("Only users can show pictures.");
  } else if (item.role == "assistant") {
    draft.assistant(parts.text());
  } else if (item.role == "system" || item.role == "developer") {
    draft.system(parts.text());
  } else {
    return invalid("A message of the request's `input` needs a `role`: user, assistant, system or developer.");
  }
  return Unit{};
}

Result<Unit> add_call(const Item& item, ChatDraft& draft) {
  if (!is_string(item.call_id) || !is_string(item.name)) {
    return invalid("A `function_call` of the request's `input` needs a `call_id` and a `name`.");
  }
  draft.call(item.call_id->value, item.name->value, is_string(item.arguments) ? item.arguments->value : R"("{}")");
  return Unit{};
}

// A tool's message has only text: what it shows, the user shows once all outputs in a row are there.
Result<Unit> add_output(const Item& item, Parts& pictures, ChatDraft& draft) {
  if (!is_string(item.call_id)) return invalid("A `function_call_output` of the request's `input` needs a `call_id`.");
  Parts parts;
  Result<Unit> read = read_content(item.output, parts, pictures, draft);
  if (!read) return read;
  draft.result(item.call_id->value, parts.content());
  return Unit{};
}

void show(Parts& pictures, ChatDraft& draft) {
  if (!pictures.any()) return;
  draft.user(pictures.content());
  pictures = Parts{};
}

Result<Unit> add_reasoning(const Item& item, ChatDraft& draft) {
  Parts parts;
  const bool whole = item.content && item.content->kind == Kind::array && item.content->value.size() > 2;
  const std::optional<Member>& said = whole ? item.content : item.summary;
  if (!said || said->kind != Kind::array) return Unit{};
  Result<Unit> read = read_content(said, parts, parts, draft);
  if (read && parts.any()) draft.reasoning(parts.text());
  return read;
}

Result<Unit> add_item(const Member& from, Parts& pictures, ChatDraft& draft) {
  Result<Item> item = read_item(from);
  if (!item) return std::move(item).error();
  if (item->type == "function_call_output") return add_output(*item, pictures, draft);
  show(pictures, draft);
  if (item->type.empty() || item->type == "message") return add_message(*item, draft);
  if (item->type == "function_call") return add_call(*item, draft);
  if (item->type == "reasoning") return add_reasoning(*item, draft);
  if (item->type == "item_reference") {
    return invalid("This gateway stores no responses: send the items themselves instead of an `item_reference`.");
  }
  return invalid("An item of the request's `input` has the type `" + item->type.substr(0, 40) +
                 "`, which this gateway does not take: only message, function_call, function_call_output and "
                 "reasoning.");
}

Result<std::string> conversation_of(const std::optional<Member>& instructions, const std::optional<Member>& input) {
  ChatDraft draft;
  if (is_string(instructions)) draft.system(inside(instructions->value));
  if (is_string(input)) {
    draft.user(input->value);
    return draft.list();
  }
  if (!input || input->kind != Kind::array) return invalid("The request has no `input`: a text or a list of items.");
  Parts pictures;
  json::ArrayScan scan{input->value};
  std::size_t count = 0;
  while (const std::optional<Member> item = scan.next()) {
    if (++count > kMostItems) return invalid("The request has more than 10,000 items.");
    Result<Unit> added = add_item(*item, pictures, draft);
    if (!added) return std::move(added).error();
  }
  show(pictures, draft);
  if (scan.failed()) return make_error(Code::invalid_json, "The request's `input` is not valid JSON.");
  if (draft.empty()) return invalid("The request's `input` is empty.");
  return draft.list();
}

Result<std::string> tools_of(const Member& tools) {
  if (tools.kind != Kind::array) return invalid("The request's `tools` must be a list.");
  std::string list;
  std::size_t count = 0;
  json::ArrayScan scan{tools.value};
  while (const std::optional<Member> tool = scan.next()) {
    if (++count > kMostTools) return invalid("The request has more than 10,000 tools.");
    const std::string type = text_of(member_of(*tool, "type"));
    const std::optional<Member> name = member_of(*tool, "name");
    if (type != "function") {
      return invalid("Tools of the type `" + type.substr(0, 40) +
                     "` run at their provider's, and there is none here: only `function` is taken.");
    }
    if (!is_string(name)) return invalid("A tool of the request has no `name`.");
    if (!list.empty()) list += ',';
    std::string function;
    json::Writer json{function};
    json.open_object().text("type", type).open_object("function").raw("name", name->value);
    for (const std::string_view key : {"description", "parameters", "strict"}) {
      const std::optional<Member> member = member_of(*tool, key);
      if (member && member->kind != Kind::null) json.raw(key, member->value);
    }
    json.close_object().close_object();
    list += function;
  }
  if (scan.failed()) return make_error(Code::invalid_json, "The request's `tools` are not valid JSON.");
  return list;
}

Result<Unit> add_tool_choice(const Member& choice, json::Writer& to) {
  if (choice.kind == Kind::string) {
    to.raw("tool_choice", choice.value);
    return Unit{};
  }
  const std::optional<Member> name = member_of(choice, "name");
  if (text_of(member_of(choice, "type")) != "function" || !is_string(name)) {
    return invalid("The request's `tool_choice` must be auto, none, required or a function.");
  }
  to.open_object("tool_choice").text("type", "function");
  to.open_object("function").raw("name", name->value).close_object().close_object();
  return Unit{};
}

// text.format: {"type":"json_schema","name":…,"schema":…,"strict":…} or {"type":"json_object"}.
void add_format(const Member& text, json::Writer& to) {
  const std::optional<Member> format = member_of(text, "format");
  if (!format) return;
  const std::string type = text_of(member_of(*format, "type"));
  if (type == "json_object") to.open_object("response_format").text("type", type).close_object();
  if (type != "json_schema") return;
  to.open_object("response_format").text("type", type).open_object("json_schema");
  for (const std::string_view key : {"name", "description", "schema", "strict"}) {
    const std::optional<Member> member = member_of(*format, key);
    if (member && member->kind != Kind::null) to.raw(key, member->value);
  }
  to.close_object().close_object();
}

// Members with the same meaning in chat, by their names here and there.
struct Same {
  std::string_view here;
  std::string_view there;
};
constexpr std::array<Same, 9> kSame{{{"model", "model"},
                                     {"max_output_tokens", "max_tokens"},
                                     {"stream", "stream"},
                                     {"temperature", "temperature"},
                                     {"top_p", "top_p"},
                                     {"seed", "seed"},
                                     {"parallel_tool_calls", "parallel_tool_calls"},
                                     {"chat_template_kwargs", "chat_template_kwargs"},
                                     {"user", "user"}}};

// What only a server with a store can do.
constexpr std::array<std::string_view, 4> kStateful{"previous_response_id", "conversation", "background", "prompt"};

constexpr std::array<std::string_view, 9> kEchoed{"max_output_tokens", "temperature",         "top_p",    "tools",
                                                  "tool_choice",       "parallel_tool_calls", "metadata", "text",
                                                  "instructions"};

bool holds(const auto& list, const Member& member) {
  return std::any_of(list.begin(), list.end(), [&](std::string_view key) { return json::key_is(member, key); });
}

Result<Unit> add_member(const Member& member, json::Writer& to) {
  const auto* const same =
      std::find_if(kSame.begin(), kSame.end(), [&](const Same& s) { return json::key_is(member, s.here); });
  if (member.kind == Kind::null) return Unit{};
  if (same != kSame.end()) to.raw(same->there, member.value);
  if (holds(kStateful, member) && member.value != "false") {
    return invalid("This gateway stores no responses: send the whole conversation in `input`, without `" +
                   std::string{member.key} + "`.");
  }
  if (json::key_is(member, "tools")) {
    Result<std::string> tools = tools_of(member);
    if (!tools) return std::move(tools).error();
    if (!tools->empty()) to.raw("tools", '[' + *tools + ']');
  }
  if (json::key_is(member, "tool_choice")) return add_tool_choice(member, to);
  if (json::key_is(member, "text")) add_format(member, to);
  const std::optional<Member> effort =
      json::key_is(member, "reasoning") ? member_of(member, "effort") : std::optional<Member>{};
  if (is_string(effort)) to.raw("reasoning_effort", effort->value);
  return Unit{};
}

// Only what is short, sound and of one line, and each once: the answer says it again and again.
void add_echo(const Member& member, unsigned& seen, std::string& echo) {
  const auto* const key =
      std::find_if(kEchoed.begin(), kEchoed.end(), [&](std::string_view k) { return key_is(member, k); });
  if (key == kEchoed.end() || member.value.size() > kLongestEcho) return;
  const unsigned bit = 1U << static_cast<unsigned>(key - kEchoed.begin());
  std::string said = '"' + std::string{*key} + "\":" + std::string{member.value};
  if ((seen & bit) != 0 || !json::is_object('{' + said + '}')) return;
  seen |= bit;
  std::replace_if(
      said.begin(), said.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (!echo.empty()) echo += ',';
  echo += said;
}

}  // namespace

Result<Asked> understand(std::string_view body) {
  Asked asked;
  json::Writer writer{asked.chat};
  writer.open_object();
  std::optional<Member> instructions;
  std::optional<Member> input;
  unsigned seen = 0;
  std::size_t count = 0;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (++count > kMostMembers) return invalid("The request has more than 10,000 members.");
    if (json::key_is(*member, "instructions")) instructions = member;
    if (json::key_is(*member, "input")) input = member;
    Result<Unit> added = add_member(*member, writer);
    if (!added) return std::move(added).error();
    add_echo(*member, seen, asked.echo);
  }
  if (scan.failed()) {
    return make_error(Code::invalid_json, "The request's body is not a JSON object: " + scan.problem() + ".");
  }
  Result<std::string> conversation = conversation_of(instructions, input);
  if (!conversation) return std::move(conversation).error();
  writer.raw("messages", *conversation).close_object();
  return asked;
}

}  // namespace intragate::dialect::responses

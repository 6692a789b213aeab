#include "dialect/openai_read.h"

#include "base/json_scan.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

constexpr std::size_t kMostMessages = 10'000;
constexpr std::size_t kMostInputs = 100'000;

Error invalid(std::string message) {
  return make_error(Code::invalid_request, std::move(message));
}

Result<Unit> read_text(const Member& member, std::string_view what, std::string& into) {
  if (member.kind == Kind::null) return Unit{};
  if (member.kind != Kind::string) return invalid("The request's " + std::string{what} + " must be a string.");
  Result<std::string> text = json::unescape(member.value);
  if (!text) return invalid("The request's " + std::string{what} + " is not a legal JSON string.");
  into = *std::move(text);
  return Unit{};
}

// data:image/png;base64,…
Result<Unit> read_image(std::string_view url, llm::Message& into) {
  constexpr std::string_view kScheme = "\"data:";
  constexpr std::string_view kCoding = ";base64,";
  const std::size_t coding = url.find(kCoding);
  if (!url.starts_with(kScheme) || coding == std::string_view::npos || url.find('\\') != std::string_view::npos) {
    return invalid("Pictures must come as `data:` URLs in base64: this gateway never fetches addresses.");
  }
  const std::size_t begin = coding + kCoding.size();
  into.images.push_back({.media_type = url.substr(kScheme.size(), coding - kScheme.size()),
                         .base64 = url.substr(begin, url.size() - begin - 1)});
  return Unit{};
}

Result<Unit> read_image_part(std::string_view value, Kind kind, llm::Message& into) {
  if (kind == Kind::string) return read_image(value, into);
  json::ObjectScan scan{value};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "url")) return read_image(member->value, into);
  }
  return invalid("A picture of the request has no `url`.");
}

Result<Unit> read_part(std::string_view part, llm::Message& into) {
  std::string type;
  std::optional<Member> text;
  std::optional<Member> image;
  json::ObjectScan scan{part};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "type")) json::append_text(type, member->value);
    if (json::key_is(*member, "text")) text = member;
    if (json::key_is(*member, "image_url")) image = member;
  }
  if (type == "image_url" && image) return read_image_part(image->value, image->kind, into);
  if (type != "text" || !text) {
    return invalid("A message has a content part of the type `" + type.substr(0, 40) +
                   "`, which this model's interface does not take: only text and pictures.");
  }
  std::string said;
  Result<Unit> read = read_text(*text, "content", said);
  if (read) into.text += said;
  return read;
}

Result<Unit> read_content(const Member& content, llm::Message& into) {
  if (content.kind != Kind::array) return read_text(content, "`content`", into.text);
  json::ArrayScan parts{content.value};
  while (const std::optional<Member> part = parts.next()) {
    Result<Unit> read = part->kind == Kind::string ? read_text(*part, "`content`", into.text)
                        : part->kind == Kind::object
                            ? read_part(part->value, into)
                            : invalid("A message's `content` must be text or a list of parts.");
    if (!read) return read;
  }
  return Unit{};
}

llm::ToolCall read_tool_call(std::string_view call) {
  llm::ToolCall result;
  json::ObjectScan scan{call};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "id")) json::append_text(result.id, member->value);
    if (!json::key_is(*member, "function") || member->kind != Kind::object) continue;
    json::ObjectScan function{member->value};
    while (const std::optional<Member> of = function.next()) {
      if (json::key_is(*of, "name")) json::append_text(result.name, of->value);
      if (!json::key_is(*of, "arguments")) continue;
      if (of->kind == Kind::object) result.arguments = of->value;
      json::append_text(result.arguments, of->value);
    }
  }
  return result;
}

Result<Unit> read_message_member(const Member& member, llm::Message& into) {
  if (json::key_is(member, "role")) return read_text(member, "`role`", into.role);
  if (json::key_is(member, "content")) return read_content(member, into);
  if (json::key_is(member, "name")) return read_text(member, "`name`", into.name);
  if (json::key_is(member, "tool_call_id")) return read_text(member, "`tool_call_id`", into.tool_call_id);
  const bool reasoning = json::key_is(member, "reasoning_content") || json::key_is(member, "reasoning");
  if (reasoning && member.kind == Kind::string) return read_text(member, "`reasoning_content`", into.reasoning);
  if (json::key_is(member, "tool_calls") && member.kind == Kind::array) {
    json::ArrayScan calls{member.value};
    while (const std::optional<Member> call = calls.next()) {
      if (call->kind == Kind::object) into.tool_calls.push_back(read_tool_call(call->value));
    }
  }
  return Unit{};
}

Result<Unit> read_messages(const Member& messages, llm::Request& into) {
  const auto no_list = [] { return invalid("The request's `messages` must be a list of messages with a `role`."); };
  if (messages.kind != Kind::array) return no_list();
  json::ArrayScan scan{messages.value};
  while (const std::optional<Member> message = scan.next()) {
    if (message->kind != Kind::object) return no_list();
    if (into.messages.size() == kMostMessages) return invalid("The request has more than 10,000 messages.");
    llm::Message& read = into.messages.emplace_back();
    json::ObjectScan members{message->value};
    while (const std::optional<Member> member = members.next()) {
      Result<Unit> understood = read_message_member(*member, read);
      if (!understood) return understood;
    }
    if (members.failed()) return make_error(Code::invalid_json, "A message of the request is not valid JSON.");
    if (read.role.empty()) return no_list();
    if (read.role == "developer") read.role = "system";
    if (read.role == "function") read.role = "tool";
  }
  if (scan.failed() || into.messages.empty()) return no_list();
  return Unit{};
}

Result<Unit> add_string(const Member& member, std::string_view what, std::vector<std::string>& into) {
  if (member.kind == Kind::null) return Unit{};
  if (into.size() == kMostInputs) return invalid("The request's " + std::string{what} + " has too many entries.");
  if (member.kind == Kind::number || member.kind == Kind::array)
    return invalid("This model's interface takes text in " + std::string{what} + ", not token ids.");
  return read_text(member, what, into.emplace_back());
}

// A string or a list of strings.
Result<Unit> read_strings(const Member& member, std::string_view what, std::vector<std::string>& into) {
  if (member.kind != Kind::array) return add_string(member, what, into);
  json::ArrayScan scan{member.value};
  while (const std::optional<Member> element = scan.next()) {
    Result<Unit> read = add_string(*element, what, into);
    if (!read) return read;
  }
  return Unit{};
}

Result<Unit> read_prompt(const Member& member, llm::Request& into) {
  std::vector<std::string> prompts;
  Result<Unit> read = read_strings(member, "`prompt`", prompts);
  if (!read) return read;
  if (prompts.size() != 1) return invalid("This model's interface takes one prompt at a time.");
  into.prompt = std::move(prompts.front());
  return Unit{};
}

Result<Unit> read_member(const Member& member, llm::Request& into) {
  if (into.api == llm::Api::chat && json::key_is(member, "messages")) return read_messages(member, into);
  if (into.api == llm::Api::completions && json::key_is(member, "prompt")) return read_prompt(member, into);
  if (into.api == llm::Api::embeddings && json::key_is(member, "input"))
    return read_strings(member, "`input`", into.inputs);
  if (json::key_is(member, "stop")) return read_strings(member, "`stop`", into.stop);
  const bool several = json::key_is(member, "n") || json::key_is(member, "best_of");
  if (several && member.kind != Kind::null && member.value != "1")
    return invalid("This model's interface gives one answer at a time: `" + std::string{member.key} + "` must be 1.");
  if (!member.key_escaped) into.members.push_back({member.key, member.value});
  return Unit{};
}

bool is_complete(const llm::Request& request, const llm::Call& call) {
  if (request.api == llm::Api::chat) return !request.messages.empty();
  return request.api == llm::Api::embeddings ? !request.inputs.empty() : call.prompt.has_value();
}

}  // namespace

Result<llm::Request> read_request(const llm::Call& call, std::string_view body) {
  const bool known =
      call.api == llm::Api::chat || call.api == llm::Api::completions || call.api == llm::Api::embeddings;
  if (!known) return invalid("This model's interface has no " + std::string{llm::api_name(call.api)} + '.');
  llm::Request request;
  request.api = call.api;
  request.stream = call.stream == llm::Stream::yes;
  request.max_tokens = call.max_tokens;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    Result<Unit> read = read_member(*member, request);
    if (!read) return std::move(read).error();
  }
  if (scan.failed()) return make_error(Code::invalid_json, "The request's body is not a JSON object.");
  if (!is_complete(request, call)) {
    return invalid("The request has no `" +
                   std::string{request.api == llm::Api::chat         ? "messages"
                               : request.api == llm::Api::embeddings ? "input"
                                                                     : "prompt"} +
                   "`.");
  }
  return request;
}

bool wants_base64(std::string_view body) {
  bool wanted = false;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "encoding_format")) wanted = member->value == "\"base64\"";
  }
  return wanted;
}

}  // namespace intragate::dialect::openai

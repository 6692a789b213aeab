#include "dialect/openai_reasoning.h"

#include "base/json_scan.h"
#include "base/json_write.h"

namespace intragate::dialect::openai {
namespace {

using json::Member;

// A message or delta, and what the filter is about in it.
struct Message {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string text;
  std::string reasoning;
  std::string rest;         // its other members, each with its comma
  bool says_other = false;  // tools, or whatever
  bool renamed = false;     // thoughts under another name than `reasoning_content`
  bool last = false;        // the choice ends with it
};

bool is_reasoning(const Member& member) {
  return json::key_is(member, "reasoning_content") || json::key_is(member, "reasoning");
}

void read_message(std::string_view data, const Member& at, Message& into) {
  into.offset = at.offset;
  into.length = at.value.size();
  json::ObjectScan scan = json::ObjectScan::inside(data, at.offset);
  while (const std::optional<Member> member = scan.next()) {
    const bool text = member->kind == json::Kind::string || member->kind == json::Kind::null;
    if (text && json::key_is(*member, "content")) {
      into.text.clear();
      json::append_text(into.text, member->value);
    } else if (text && is_reasoning(*member)) {
      if (into.reasoning.empty()) json::append_text(into.reasoning, member->value);
      into.renamed = into.renamed || json::key_is(*member, "reasoning");
    } else {
      into.rest += '"' + std::string{member->key} + "\":" + std::string{member->value} + ',';
      into.says_other = into.says_other || !json::key_is(*member, "role");
    }
  }
}

// That of the only choice; nothing where there are several, or none.
std::optional<Message> find_message(std::string_view data, std::string_view key) {
  std::optional<Member> choices;
  json::ObjectScan top{data};
  while (const std::optional<Member> member = top.next()) {
    if (json::key_is(*member, "choices") && member->kind == json::Kind::array) choices = member;
  }
  if (top.failed() || !choices) return std::nullopt;
  json::ArrayScan scan = json::ArrayScan::inside(data, choices->offset);
  const std::optional<Member> choice = scan.next();
  if (!choice || choice->kind != json::Kind::object || scan.next()) return std::nullopt;
  std::optional<Message> found;
  bool last = false;
  json::ObjectScan members = json::ObjectScan::inside(data, choice->offset);
  while (const std::optional<Member> member = members.next()) {
    if (json::key_is(*member, "finish_reason")) last = member->kind == json::Kind::string;
    if (!json::key_is(*member, key) || member->kind != json::Kind::object) continue;
    read_message(data, *member, found.emplace());
  }
  if (found) found->last = last;
  return found;
}

std::string spliced(std::string_view data, const Message& message, bool whole) {
  std::string out{data.substr(0, message.offset)};
  out += '{' + message.rest;
  if (!message.reasoning.empty()) {
    out += "\"reasoning_content\":";
    json::append_string(out, message.reasoning);
    out += ',';
  }
  if (whole || !message.text.empty()) {
    out += "\"content\":";
    json::append_string(out, message.text);
    out += ',';
  }
  if (out.back() == ',') out.pop_back();
  out += '}';
  out += data.substr(message.offset + message.length);
  return out;
}

}  // namespace

std::string_view EventReasoning::rewrite(std::string_view data) {
  std::optional<Message> message = find_message(data, "delta");
  if (!message) return data;
  const std::string text = message->text;
  const std::string reasoning = message->reasoning;
  const auto piece = message->last || message->says_other ? ReasoningFilter::Piece::last : ReasoningFilter::Piece::more;
  filter_.apply(message->text, message->reasoning, piece);
  if (text == message->text && reasoning == message->reasoning && !message->renamed) return data;
  const bool silent = message->text.empty() && message->reasoning.empty();
  if (silent && !message->says_other && !message->last && message->rest.empty()) return {};
  rewritten_ = spliced(data, *message, false);
  return rewritten_;
}

std::optional<std::string> rewrite_answer(std::string_view body, Reasoning form) {
  if (form == Reasoning::as_it_is) return std::nullopt;
  std::optional<Message> message = find_message(body, "message");
  if (!message) return std::nullopt;
  const std::string text = message->text;
  const std::string reasoning = message->reasoning;
  ReasoningFilter filter{form};
  filter.apply(message->text, message->reasoning, ReasoningFilter::Piece::last);
  if (text == message->text && reasoning == message->reasoning && !message->renamed) return std::nullopt;
  return spliced(body, *message, true);
}

}  // namespace intragate::dialect::openai

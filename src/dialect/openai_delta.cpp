#include "dialect/openai_delta.h"

#include "base/json_scan.h"
#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

constexpr int kMostTools = 10'000;

void read_function(std::string_view function, llm::ToolPiece& into) {
  json::ObjectScan scan{function};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "name")) json::append_text(into.name, member->value);
    if (!json::key_is(*member, "arguments")) continue;
    if (member->kind == Kind::object) into.arguments = member->value;
    json::append_text(into.arguments, member->value);
  }
}

void read_tools(std::string_view calls, llm::Delta& into) {
  json::ArrayScan scan{calls};
  while (const std::optional<Member> call = scan.next()) {
    if (call->kind != Kind::object) continue;
    llm::ToolPiece& tool = into.tools.emplace_back();
    json::ObjectScan members{call->value};
    while (const std::optional<Member> member = members.next()) {
      if (json::key_is(*member, "id")) json::append_text(tool.id, member->value);
      if (json::key_is(*member, "function") && member->kind == Kind::object) read_function(member->value, tool);
      const std::optional<std::uint64_t> index =
          json::key_is(*member, "index") ? json::unsigned_number(member->value) : std::nullopt;
      if (index && *index < kMostTools) tool.index = static_cast<int>(*index);
    }
  }
}

// A delta or a message.
void read_said(std::string_view said, llm::Delta& into) {
  json::ObjectScan scan{said};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "content") || json::key_is(*member, "refusal")) {
      json::append_text(into.text, member->value);
    } else if (json::key_is(*member, "reasoning_content") || json::key_is(*member, "reasoning")) {
      if (into.reasoning.empty()) json::append_text(into.reasoning, member->value);  // some servers say both
    } else if (json::key_is(*member, "tool_calls") && member->kind == Kind::array) {
      read_tools(member->value, into);
    }
  }
}

void read_choice(std::string_view choice, llm::Delta& into) {
  json::ObjectScan scan{choice};
  while (const std::optional<Member> member = scan.next()) {
    const bool said = json::key_is(*member, "delta") || json::key_is(*member, "message");
    if (said && member->kind == Kind::object) read_said(member->value, into);
    if (json::key_is(*member, "finish_reason")) json::append_text(into.finish, member->value);
  }
}

// The first choice, if there is one; false: the text is no JSON object.
bool read_choices(std::string_view text, llm::Delta& into) {
  bool any = false;
  json::ObjectScan scan{text};
  while (const std::optional<Member> member = scan.next()) {
    if (!json::key_is(*member, "choices") || member->kind != Kind::array) continue;
    json::ArrayScan choices{member->value};
    const std::optional<Member> first = choices.next();
    if (first && first->kind == Kind::object) read_choice(first->value, into);
    any = first.has_value();
  }
  into.malformed = scan.failed();
  return any;
}

}  // namespace

void read_event(std::string_view data, llm::Delta& into) {
  const EventFacts facts = inspect_event(data);
  into.done = facts.done;
  if (facts.done) return;
  into.failed = facts.error;
  into.usage = facts.usage;
  if (facts.error) {
    into.error = read_refusal(data);
    return;
  }
  (void)read_choices(data, into);
}

void read_answer(std::string_view body, llm::Delta& into) {
  if (!read_choices(body, into)) into.malformed = true;
  into.usage = find_usage(body);
  for (std::size_t i = 0; i < into.tools.size(); ++i) into.tools[i].index = static_cast<int>(i);
}

std::string read_refusal(std::string_view body) {
  std::string words;
  const auto read_message = [&words](std::string_view object) {
    json::ObjectScan scan{object};
    while (const std::optional<Member> member = scan.next()) {
      if (words.empty() && json::key_is(*member, "message")) json::append_text(words, member->value);
    }
  };
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (!json::key_is(*member, "error")) continue;
    if (member->kind == Kind::object) read_message(member->value);
    json::append_text(words, member->value);
  }
  if (words.empty()) read_message(body);
  return words;
}

}  // namespace intragate::dialect::openai

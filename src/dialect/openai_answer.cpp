// Answers: what one stream event says, and the usage of a whole answer.
#include <algorithm>

#include "base/json_scan.h"
#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

constexpr std::string_view kSpace = " \t\r\n";

// The usage object at `offset` of a text.
std::optional<llm::Usage> read_usage(std::string_view text, std::size_t offset) {
  std::optional<std::uint64_t> prompt;
  std::optional<std::uint64_t> completion;
  std::optional<std::uint64_t> total;
  json::ObjectScan scan = json::ObjectScan::inside(text, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "prompt_tokens")) prompt = json::unsigned_number(member->value);
    if (json::key_is(*member, "completion_tokens")) completion = json::unsigned_number(member->value);
    if (json::key_is(*member, "total_tokens")) total = json::unsigned_number(member->value);
  }
  if (!prompt && total) prompt = *total - std::min(*total, completion.value_or(0));  // rerankers say no more
  if (scan.failed() || (!prompt && !completion)) return std::nullopt;
  return llm::Usage{prompt.value_or(0), completion.value_or(0), llm::UsageSource::upstream};
}

// Offset of the first thing in the container at `offset`: its closing bracket if it is empty.
std::size_t first_inside(std::string_view text, std::size_t offset) {
  ++offset;
  while (offset < text.size() && kSpace.find(text[offset]) != std::string_view::npos) ++offset;
  return offset;
}

// A string, object or array with something in it.
bool says_something(const Member& member) {
  if (member.kind == Kind::string) return member.value.size() > 2;
  if (member.kind != Kind::object && member.kind != Kind::array) return false;
  return first_inside(member.value, 0) != member.value.size() - 1;
}

// The three below take a value by its place in the whole event: see ObjectScan::inside.

// Text, reasoning, tool calls, sound: anything but the role.
std::optional<Member> content_of_delta(std::string_view event, std::size_t offset) {
  json::ObjectScan scan = json::ObjectScan::inside(event, offset);
  while (std::optional<Member> member = scan.next()) {
    if (says_something(*member) && !json::key_is(*member, "role")) return member;
  }
  return std::nullopt;
}

std::optional<Member> content_of_choice(std::string_view event, std::size_t offset) {
  json::ObjectScan scan = json::ObjectScan::inside(event, offset);
  while (std::optional<Member> member = scan.next()) {
    if (!says_something(*member)) continue;
    if (json::key_is(*member, "text") && member->kind == Kind::string) return member;
    if (!json::key_is(*member, "delta") || member->kind != Kind::object) continue;
    const std::optional<Member> content = content_of_delta(event, member->offset);
    if (content) return content;
  }
  return std::nullopt;
}

std::optional<Member> content_of_choices(std::string_view event, std::size_t offset) {
  // Nearly always there is one choice, and it has something: no need to find its end first.
  const std::size_t first = first_inside(event, offset);
  std::optional<Member> content;
  if (event[first] == '{') content = content_of_choice(event, first);
  if (content) return content;
  json::ArrayScan scan = json::ArrayScan::inside(event, offset);
  while (const std::optional<Member> choice = scan.next()) {
    if (choice->kind == Kind::object) content = content_of_choice(event, choice->offset);
    if (content) return content;
  }
  return std::nullopt;
}

// The usage in the last part of a body whose beginning is gone. A quote inside a string is escaped, so `"usage"` before
// a colon is a key; it is one of the top level if nothing but members of one object follows up to the end.
std::optional<llm::Usage> find_usage_in_tail(std::string_view tail) {
  constexpr std::string_view kKey = "\"usage\"";
  constexpr int kTries = 8;  // each try reads to the end; in every known answer the last `usage` is the one
  std::size_t at = tail.rfind(kKey);
  for (int tried = 0; at != std::string_view::npos && tried < kTries; ++tried) {
    json::ObjectScan scan = json::ObjectScan::members(tail.substr(at));
    const std::optional<Member> usage = scan.next();
    while (scan.next()) {
    }
    if (usage && usage->kind == Kind::object && !scan.failed()) return read_usage(tail, at + usage->offset);
    if (at == 0) break;
    at = tail.rfind(kKey, at - 1);
  }
  return std::nullopt;
}

// The usage of a whole body or its first part: what is found is of the top level. `whole`: the body is whole.
std::optional<llm::Usage> find_usage_from_start(std::string_view body, bool& whole) {
  std::optional<Member> usage;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "usage")) usage = member;
  }
  whole = !scan.failed();
  if (scan.failed() && !scan.cut()) return std::nullopt;
  return usage && usage->kind == Kind::object ? read_usage(body, usage->offset) : std::nullopt;
}

}  // namespace

bool is_done(std::string_view data) {
  if (data.starts_with('{')) return false;
  const std::size_t first = data.find_first_not_of(kSpace);
  if (first == std::string_view::npos || data[first] != '[') return false;
  return data.substr(first, data.find_last_not_of(kSpace) - first + 1) == "[DONE]";
}

EventFacts inspect_event(std::string_view data) {
  EventFacts facts;
  facts.done = is_done(data);
  if (facts.done) return facts;
  bool has_choices = false;
  bool has_usage = false;
  bool has_error = false;
  json::ObjectScan scan{data};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "choices")) {
      has_choices = member->kind == Kind::array && says_something(*member);
      const std::optional<Member> content = has_choices ? content_of_choices(data, member->offset) : std::nullopt;
      facts.content = content.has_value();
      facts.text = content && content->kind == Kind::string ? content->value : std::string_view{};
    } else if (json::key_is(*member, "usage")) {
      has_usage = member->kind == Kind::object;
      facts.usage = has_usage ? read_usage(data, member->offset) : std::nullopt;
    } else if (json::key_is(*member, "error")) {
      has_error = member->kind != Kind::null;
    }
  }
  if (scan.failed()) return {};
  facts.error = has_error && !has_choices;
  facts.usage_only = has_usage && !has_choices;
  return facts;
}

// A quote inside a string is escaped, so that no text can look like this.
bool says_finished(std::string_view data) {
  constexpr std::string_view kKey = "\"finish_reason\"";
  for (std::size_t at = data.find(kKey); at != std::string_view::npos; at = data.find(kKey, at + 1)) {
    const std::size_t colon = data.find_first_not_of(kSpace, at + kKey.size());
    if (colon == std::string_view::npos || data[colon] != ':') continue;
    const std::size_t value = data.find_first_not_of(kSpace, colon + 1);
    if (value != std::string_view::npos && data[value] == '"') return true;
  }
  return false;
}

std::optional<llm::Usage> find_usage(std::string_view body) {
  // Nearly every server writes it last: then the end alone tells.
  constexpr std::size_t kEnd = 256;
  if (body.size() > kEnd) {
    const std::optional<llm::Usage> last = find_usage_in_tail(body.substr(body.size() - kEnd));
    if (last) return last;
  }
  bool whole = true;
  const std::optional<llm::Usage> found = find_usage_from_start(body, whole);
  return whole ? found : find_usage_in_tail(body);
}

std::optional<llm::Usage> find_usage_in_beginning(std::string_view body) {
  bool whole = true;
  return find_usage_from_start(body, whole);
}

}  // namespace intragate::dialect::openai

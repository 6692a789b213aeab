#include "dialect/openai_continue.h"

#include <algorithm>
#include <array>

#include "base/json_scan.h"
#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

using json::Kind;
using json::Member;

// Something in it: no null, no empty text, list or object.
bool says_something(const Member& member) {
  if (member.kind == Kind::null) return false;
  if (member.kind == Kind::string) return member.value.size() > 2;
  if (member.kind != Kind::object && member.kind != Kind::array) return true;
  const std::size_t first = member.value.find_first_not_of(" \t\r\n", 1);
  return first != member.value.size() - 1;
}

std::string_view inner(std::string_view string) {
  return string.substr(1, string.size() - 2);
}

bool is_object(std::string_view data) {
  return data.find_first_not_of(" \t") == data.find('{');
}

// The usage object with the counts of the whole; as it is when it cannot be read.
std::string whole_usage(const Member& usage, std::uint64_t given) {
  const std::string text = "{\"usage\":" + std::string{usage.value} + "}";
  const std::optional<llm::Usage> rest = find_usage(text);
  if (!rest) return std::string{usage.value};
  const llm::Usage whole = usage_of_whole(*rest, given);
  return "{\"prompt_tokens\":" + std::to_string(whole.prompt_tokens) +
         ",\"completion_tokens\":" + std::to_string(whole.completion_tokens) +
         ",\"total_tokens\":" + std::to_string(whole.prompt_tokens + whole.completion_tokens) + "}";
}

// The request's members that make an answer one that cannot be gone on with, unless they say nothing.
constexpr std::array<std::string_view, 15> kObstacles{"logprobs",
                                                      "top_logprobs",
                                                      "echo",
                                                      "suffix",
                                                      "continue_final_message",
                                                      "grammar",
                                                      "json_schema",
                                                      "guided_json",
                                                      "guided_regex",
                                                      "guided_choice",
                                                      "guided_grammar",
                                                      "structured_outputs",
                                                      "add_generation_prompt",
                                                      "prompt_logprobs",
                                                      "return_token_ids"};

bool is_obstacle(const Member& member) {
  if (json::key_is(member, "n") || json::key_is(member, "best_of")) {
    return member.kind != Kind::null && member.value != "1";
  }
  if (json::key_is(member, "response_format"))
    return says_something(member) && member.value.find("\"json") < member.value.size();
  const auto named = [&](std::string_view name) { return json::key_is(member, name); };
  if (std::none_of(kObstacles.begin(), kObstacles.end(), named)) return false;
  return says_something(member) && member.value != "false" && member.value != "0";
}

// Where the text so far goes in a request's raw messages or prompt, counted from their beginning, and what is put
// around it. Nothing: it has no place.
struct Insertion {
  std::size_t offset = 0;
  std::string_view before;
  std::string_view behind;
};

std::optional<Insertion> place_in_messages(std::string_view messages) {
  json::ArrayScan scan{messages};
  std::optional<Member> last;
  while (const std::optional<Member> message = scan.next()) last = message;
  if (scan.failed() || !last || last->kind != Kind::object) return std::nullopt;
  json::ObjectScan members{last->value};
  while (const std::optional<Member> member = members.next()) {
    if (json::key_is(*member, "role") && member->value == "\"assistant\"") return std::nullopt;
  }
  if (members.failed()) return std::nullopt;
  return Insertion{last->offset + last->value.size(), ",{\"role\":\"assistant\",\"content\":\"", "\"}"};
}

std::optional<Insertion> place_of_text(llm::Api api, std::string_view prompt) {
  if (prompt.size() < 2) return std::nullopt;
  if (api == llm::Api::chat) return place_in_messages(prompt);
  if (api != llm::Api::completions || prompt.front() != '"') return std::nullopt;
  return Insertion{prompt.size() - 1, {}, {}};
}

std::string with_edits(std::string_view body, const llm::Edits& edits) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < edits.count; ++i) {
    const llm::Edit& edit = edits.list[i];
    out += body.substr(at, edit.where.offset - at);
    out += edit.text;
    at = edit.where.offset + edit.where.length;
  }
  return out += body.substr(at);
}

// The choices without the role, which the client has been told.
std::string without_role(std::string_view choices) {
  json::ArrayScan scan{choices};
  const std::optional<Member> choice = scan.next();
  if (!choice || choice->kind != Kind::object) return std::string{choices};
  json::ObjectScan members = json::ObjectScan::inside(choices, choice->offset);
  while (const std::optional<Member> member = members.next()) {
    if (!json::key_is(*member, "delta") || member->kind != Kind::object) continue;
    json::ObjectScan delta = json::ObjectScan::inside(choices, member->offset);
    while (const std::optional<Member> said = delta.next()) {
      if (!json::key_is(*said, "role")) continue;
      std::size_t begin = static_cast<std::size_t>(said->key.data() - choices.data()) - 1;
      std::size_t end = said->offset + said->value.size();
      const std::size_t next = choices.find_first_not_of(" \t\r\n", end);
      const std::size_t before = choices.find_last_not_of(" \t\r\n", begin - 1);
      if (next < choices.size() && choices[next] == ',') {
        end = next + 1;
      } else if (choices[before] == ',') {
        begin = before;
      }
      return std::string{choices.substr(0, begin)} += choices.substr(end);
    }
  }
  return std::string{choices};
}

}  // namespace

void Transcript::give_up() {
  possible_ = false;
  std::string{}.swap(text_);
}

void Transcript::add(std::string_view data) {
  if (!possible_ || !is_object(data)) return;
  json::ObjectScan scan{data};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "choices")) {
      if (member->kind != Kind::array) continue;
      json::ArrayScan choices = json::ArrayScan::inside(data, member->offset);
      while (const std::optional<Member> choice = choices.next()) {
        if (choice->kind == Kind::object) read_choice(data, choice->offset);
      }
    } else if (!begun_) {
      if (json::key_is(*member, "id")) id_ = member->value;
      if (json::key_is(*member, "created")) created_ = member->value;
      if (json::key_is(*member, "model")) model_ = member->value;
      if (json::key_is(*member, "system_fingerprint")) fingerprint_ = member->value;
    }
  }
  begun_ = true;
  if (scan.failed() || text_.size() > kMost) give_up();
}

void Transcript::read_choice(std::string_view data, std::size_t offset) {
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = scan.next()) {
    const bool completions = api_ == llm::Api::completions;
    if (json::key_is(*member, "delta") && member->kind == Kind::object && !completions) {
      read_delta(data, member->offset);
    } else if (json::key_is(*member, "text") && completions) {
      if (member->kind == Kind::string) text_ += inner(member->value);
    } else if (json::key_is(*member, "index") ? member->value != "0" : says_something(*member)) {
      return give_up();  // another choice, a finish_reason, logprobs …
    }
  }
}

void Transcript::read_delta(std::string_view data, std::size_t offset) {
  json::ObjectScan scan = json::ObjectScan::inside(data, offset);
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "role")) continue;
    if (json::key_is(*member, "content") && member->kind == Kind::string) {
      text_ += inner(member->value);
    } else if (says_something(*member)) {
      return give_up();
    }
  }
}

std::string Transcript::as_one_of_this(std::string_view data, std::uint64_t given) const {
  const EventFacts facts = inspect_event(data);
  if (facts.done) return std::string{data};
  if (!facts.content && !facts.usage && !facts.error && !says_finished(data)) return {};
  std::string out;
  json::ObjectScan scan{data};
  while (const std::optional<Member> member = scan.next()) {
    out += out.empty() ? "{\"" : ",\"";
    out += member->key;
    out += "\":";
    const auto same = [&](std::string_view name, const std::string& value) {
      return json::key_is(*member, name) && !value.empty() ? &value : nullptr;
    };
    const std::string* value = same("id", id_);
    if (value == nullptr) value = same("created", created_);
    if (value == nullptr) value = same("model", model_);
    if (value == nullptr) value = same("system_fingerprint", fingerprint_);
    if (value != nullptr) {
      out += *value;
    } else if (json::key_is(*member, "usage") && member->kind == Kind::object) {
      out += whole_usage(*member, given);
    } else if (json::key_is(*member, "choices") && member->kind == Kind::array) {
      out += without_role(member->value);
    } else {
      out += member->value;
    }
  }
  if (scan.failed()) return {};  // no client could read it
  out += "}";
  // Line breaks between members: an event of several lines has them, and one of a single line must not.
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return out;
}

std::optional<std::string> ask_for_rest(const llm::Call& call, std::string_view body, std::string_view text,
                                        std::uint64_t given) {
  if (!call.prompt || (call.max_tokens && *call.max_tokens <= given)) return std::nullopt;
  const std::string_view prompt = body.substr(call.prompt->offset, call.prompt->length);
  const std::optional<Insertion> place = place_of_text(call.api, prompt);
  if (!place) return std::nullopt;
  json::ObjectScan scan{body};
  while (const std::optional<Member> member = scan.next()) {
    if (is_obstacle(*member)) return std::nullopt;
  }
  if (scan.failed()) return std::nullopt;
  const std::size_t at = call.prompt->offset + place->offset;
  std::string rest{body.substr(0, at)};
  rest.append(place->before).append(text).append(place->behind);
  rest += body.substr(at, call.closing_brace - at);
  if (call.api == llm::Api::chat) rest += ",\"continue_final_message\":true,\"add_generation_prompt\":false";
  rest += body.substr(call.closing_brace);
  Result<llm::Call> read = understand(call.api, rest);
  if (!read) return std::nullopt;
  const std::uint64_t most = call.max_tokens ? *call.max_tokens - given : 0;
  return with_edits(rest, edits(*read, rest, read->model, AskUsage::no, most));
}

llm::Usage usage_of_whole(const llm::Usage& rest, std::uint64_t given) {
  const std::uint64_t prompt = rest.prompt_tokens > given ? rest.prompt_tokens - given : rest.prompt_tokens;
  return {prompt, given + rest.completion_tokens, llm::UsageSource::counted};
}

}  // namespace intragate::dialect::openai

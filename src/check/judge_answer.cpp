// Answers that are not streamed: what a person saving the model in Dify's form would run into.
#include <algorithm>

#include "base/json_write.h"
#include "base/text.h"
#include "check/judge.h"
#include "check/look.h"

namespace intragate::check {
namespace {

constexpr std::size_t kExcerpt = 200;

std::string refused(const Answer& answer) {
  return "Credentials validation failed with status code " + std::to_string(answer.status) + " and response body " +
         excerpt(answer.body);
}

bool is_count(std::string_view body, std::string_view name) {
  const std::optional<json::Member> found = look(body, {"usage", name});
  return found && found->kind == json::Kind::number && json::unsigned_number(found->value).has_value();
}

Finding judge_object(const Answer& answer, Chat chat) {
  const bool is_chat = chat == Chat::chat;
  const std::string_view wanted = is_chat ? "chat.completion" : "text_completion";
  Finding found{.id = is_chat ? "N1" : "N3", .title = "the request that Dify saves a model with"};
  if (answer.status != 200) {
    found.verdict = Verdict::bad;
    found.detail = "status " + std::to_string(answer.status);
    found.dify_shows = refused(answer);
    found.cure = "only 200 counts as success; see what the model server says";
    return found;
  }
  const std::optional<std::string> object = look_text(answer.body, {"object"});
  if (!is_object(answer.body)) {
    found.verdict = Verdict::bad;
    found.detail = "the answer is no JSON object: " + excerpt(answer.body);
    found.dify_shows = "Credentials validation failed: JSON decode error";
    found.cure = "a `dialect` that fits this server";
  } else if (object && !object->empty() && *object != wanted) {
    found.verdict = Verdict::bad;
    found.detail = "`object` is \"" + excerpt(*object) + "\", not \"" + std::string{wanted} + "\"";
    found.dify_shows = "Credentials validation failed: invalid response object, must be '" + std::string{wanted} + "'";
    found.cure = "`repair: true` (the default): its repair `object`";
  }
  return found;
}

Finding judge_content(const Answer& answer) {
  Finding found{.id = "N2", .title = "text and token counts of an answer"};
  const bool text = look_text(answer.body, {"choices", "0", "message", "content"}).has_value();
  const bool calls = count(answer.body, {"choices", "0", "message", "tool_calls"}) > 0;
  const bool thought = has(answer.body, {"choices", "0", "message", "reasoning_content"}) ||
                       has(answer.body, {"choices", "0", "message", "reasoning"});
  if (count(answer.body, {"choices"}) == 0) {
    found.verdict = Verdict::bad;
    found.detail = "no `choices`";
    found.dify_shows = "LLM response returned no choices";
    found.cure = "a `dialect` that fits this server";
  } else if (!text && !calls && !thought) {
    found.verdict = Verdict::bad;
    found.detail = "`choices[0].message.content` is no string";
    found.dify_shows = "an empty answer";
    found.cure =
        "`repair: true` (the default): its repair `content`, of a null; else a `dialect` that fits this server";
  } else if (!is_count(answer.body, "prompt_tokens") || !is_count(answer.body, "completion_tokens")) {
    found.verdict = Verdict::bad;
    found.detail = "`usage.prompt_tokens` and `usage.completion_tokens` are not both numbers";
    found.dify_shows = "wrong costs, or an error when its token table cannot be downloaded";
    found.cure = "`repair: true` (the default): its repair `usage` estimates what the server does not count";
  }
  return found;
}

}  // namespace

std::string excerpt(std::string_view body) {
  std::size_t end = std::min(kExcerpt, body.size());
  const auto within = [body](std::size_t at) { return (static_cast<unsigned char>(body[at]) & 0xC0U) == 0x80U; };
  while (end > 0 && end < body.size() && kExcerpt - end < 3 && within(end)) --end;
  std::string quoted;
  json::append_string(quoted, body.substr(0, end));
  std::string out = quoted.substr(1, quoted.size() - 2);
  for (std::size_t at = out.find("\\\""); at != std::string::npos; at = out.find("\\\"", at)) out.erase(at, 1);
  return out + (end < body.size() ? "…" : "");
}

std::string status_and_body(const Answer& answer) {
  return "status " + std::to_string(answer.status) + ": " + excerpt(answer.body);
}

void judge_answer(const Answer& answer, Chat chat, Findings& into) {
  into.push_back(judge_object(answer, chat));
  if (into.back().verdict == Verdict::bad) return;
  if (chat == Chat::chat) {
    into.push_back(judge_content(answer));
    return;
  }
  if (look_text(answer.body, {"choices", "0", "text"})) return;
  into.back().verdict = Verdict::bad;
  into.back().detail = "`choices[0].text` is no string";
  into.back().dify_shows = "an empty answer";
  into.back().cure = "a `dialect` that fits this server";
}

// J1: a server may take the schema and pay no heed to it.
void judge_schema(const Answer& answer, Findings& into) {
  Finding found{.id = "J1", .title = "an answer in the form of a JSON schema"};
  const std::string content = look_text(answer.body, {"choices", "0", "message", "content"}).value_or("");
  if (answer.status != 200) {
    found.detail = status_and_body(answer);
  } else if (!is_object(content)) {
    found.detail = "the schema was taken and not obeyed: " + excerpt(content);
  } else if (!look_text(content, {"city"})) {
    found.detail = "an object without the `city` that the schema demands: " + excerpt(content);
  }
  if (!found.detail.empty()) {
    found.verdict = Verdict::open;
    found.dify_shows = "structured output that fails";
    found.cure = "leave structured output `not_supported` in Dify's form";
  }
  into.push_back(std::move(found));
}

void judge_picture(const Answer& answer, Findings& into) {
  Finding found{.id = "V1", .title = "an image as a data URI"};
  if (answer.status != 200) {
    found.verdict = Verdict::open;
    found.detail = status_and_body(answer);
    found.dify_shows = "an error when somebody adds a picture";
    found.cure = "leave vision `no_support` in Dify's form";
    const std::string said = text::lower(answer.body);
    bool says_so = false;
    for (const std::string_view word : {"image", "picture", "vision", "modal"}) {
      says_so = says_so || said.find(word) != std::string::npos;
    }
    if (answer.status >= 500 || !says_so) found.detail += " (which does not say that it is about the picture)";
  }
  into.push_back(std::move(found));
}

}  // namespace intragate::check

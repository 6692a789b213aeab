// Answers that are not streamed: what a person saving the model in Dify's form would run into.
#include "base/json_write.h"
#include "check/judge.h"
#include "check/look.h"

namespace intragate::check {
namespace {

constexpr std::size_t kExcerpt = 200;
constexpr Duration kSlowHead = std::chrono::seconds{30};

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
    found.cure = "`repair: true` (the default) mends it";
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
    found.cure = "`repair: true` (the default) mends a null; else a `dialect` that fits this server";
  } else if (!is_count(answer.body, "prompt_tokens") || !is_count(answer.body, "completion_tokens")) {
    found.verdict = Verdict::bad;
    found.detail = "`usage.prompt_tokens` and `usage.completion_tokens` are not both numbers";
    found.dify_shows = "wrong costs, or an error when its token table cannot be downloaded";
    found.cure = "`repair: true` (the default) counts what the server does not";
  }
  return found;
}

// T1 and T2 share what makes the arguments of a call good.
bool is_tool_call(std::string_view call, std::string& why) {
  const std::optional<std::string> id = look_text(call, {"id"});
  const std::optional<json::Member> arguments = look(call, {"function", "arguments"});
  if (!id || id->empty()) why = "a call without `id`";
  if (!look_text(call, {"function", "name"})) why = "a call without a name";
  if (!arguments || arguments->kind != json::Kind::string) {
    why = "`function.arguments` is no string";
  } else if (!is_object(look_text(call, {"function", "arguments"}).value_or(""))) {
    why = "`function.arguments` is not JSON: " + excerpt(arguments->value);
  }
  return why.empty();
}

}  // namespace

std::string excerpt(std::string_view body) {
  std::string quoted;
  json::append_string(quoted, body.substr(0, kExcerpt));
  std::string out = quoted.substr(1, quoted.size() - 2);
  for (std::size_t at = out.find("\\\""); at != std::string::npos; at = out.find("\\\"", at)) out.erase(at, 1);
  return out + (body.size() > kExcerpt ? "…" : "");
}

void judge_connection(const Answer& answer, std::string_view call, Findings& into) {
  Finding redirect{.id = "C1", .title = "no redirect on " + std::string{call}};
  if (answer.status >= 300 && answer.status < 400) {
    redirect.verdict = Verdict::bad;
    redirect.detail = "status " + std::to_string(answer.status) + " to " + excerpt(answer.location);
    redirect.dify_shows = "an error: Dify turns the request into a GET without a body when it follows";
    redirect.cure = "use the address behind the redirect";
  }
  into.push_back(std::move(redirect));
  Finding slow{.id = "C4", .title = "an answer to five tokens begins in time"};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(answer.headed).count();
  if (answer.headed > kSlowHead) {
    slow.verdict = Verdict::open;
    slow.detail = "it took " + std::to_string(seconds) + " s";
    slow.cure = "`timeouts.first_byte` above that; Dify's plugin itself gives up after 300 s of silence";
  }
  into.push_back(std::move(slow));
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

void judge_tool_call(const Answer& answer, Findings& into) {
  Finding found{.id = "T1", .title = "a tool is called"};
  std::string why;
  const std::optional<json::Member> call = look(answer.body, {"choices", "0", "message", "tool_calls", "0"});
  if (answer.status != 200) {
    found.verdict = Verdict::open;
    found.detail = "status " + std::to_string(answer.status) + ": " + excerpt(answer.body);
    found.cure =
        "if the model knows tools, start its server with them (vLLM: --enable-auto-tool-choice, llama.cpp: --jinja)";
  } else if (!call) {
    found.verdict = Verdict::open;
    found.detail = "the model answered without calling it";
    found.cure = "set function calling to `no_call` in Dify's form if the model does not know tools";
  } else if (!is_tool_call(call->value, why)) {
    found.verdict = Verdict::bad;
    found.detail = why;
    found.dify_shows = "an agent that stops, or a tool called without arguments";
    found.cure = "`repair: true` (the default) mends it";
  }
  into.push_back(std::move(found));
}

}  // namespace intragate::check

// Refusals: Dify prints the body of an error to the person at the screen.
#include "base/text.h"
#include "check/judge.h"
#include "check/look.h"

namespace intragate::check {
namespace {

constexpr std::size_t kLongest = 1024;  // of an error that a person may have to read

// What is wrong with a refusal's body; empty: nothing.
std::string unreadable(const Answer& answer) {
  if (!is_object(answer.body)) return "the body is no JSON object: " + excerpt(answer.body);
  if (!has(answer.body, {"error"})) return "the body has no `error`: " + excerpt(answer.body);
  const std::string said = text::lower(answer.body);
  for (const std::string_view word : {"thinking", "budget_tokens"}) {
    if (said.find(word) != std::string::npos) {
      return "the body speaks of \"" + std::string{word} +
             "\", after which Dify asks once more without thinking: " + excerpt(answer.body);
    }
  }
  if (answer.body.size() > kLongest) return "the body is " + std::to_string(answer.body.size()) + " bytes long";
  return {};
}

Finding judge_refusal(Finding found, const Answer& answer, int wanted) {
  found.detail = answer.status != wanted ? "status " + std::to_string(answer.status) + ", not " + std::to_string(wanted)
                                         : unreadable(answer);
  if (found.detail.empty()) return found;
  found.verdict = answer.status >= 400 ? Verdict::open : Verdict::bad;
  found.dify_shows = "the whole body: " + excerpt(answer.body);
  found.cure = "put the gateway in front: its errors are one sentence each";
  return found;
}

}  // namespace

void judge_wrong_key(const Answer& answer, Findings& into) {
  Finding found{.id = "E1", .title = "a wrong key is refused"};
  if (answer.status == 200) {
    found.verdict = Verdict::open;
    found.detail = "whoever reaches this server may use it";
    found.cure = "let only the gateway reach it";
    into.push_back(std::move(found));
    return;
  }
  into.push_back(judge_refusal(std::move(found), answer, 401));
}

void judge_unknown_model(const Answer& answer, Findings& into) {
  Finding found{.id = "E2", .title = "an unknown model is refused"};
  if (answer.status == 200) {
    found.verdict = Verdict::open;
    found.detail = "it answers to any name";
    into.push_back(std::move(found));
    return;
  }
  into.push_back(judge_refusal(std::move(found), answer, 404));
}

void judge_malformed(const Answer& answer, Findings& into) {
  into.push_back(judge_refusal({.id = "E4", .title = "a body that is no JSON is refused"}, answer, 400));
}

void judge_too_long(const Answer& answer, Findings& into) {
  Finding found{.id = "W1", .title = "a prompt longer than the context window"};
  if (answer.status == 200) {
    found.verdict = Verdict::open;
    found.detail = "it is cut to fit without a word: answers will lack its beginning or its end";
    found.cure =
        "`context_window` at the model and a `tokenizer` at the endpoint: the gateway then says so to the user";
    into.push_back(std::move(found));
    return;
  }
  into.push_back(judge_refusal(std::move(found), answer, 400));
}

void judge_long_text(const Answer& answer, Findings& into) {
  Finding found{.id = "B3", .title = "a text longer than the model's window"};
  if (answer.status == 200) {
    found.verdict = Verdict::open;
    found.detail = "it is cut to fit without a word: what lies behind is not found";
    found.cure = "pieces in Dify's knowledge base that are shorter than the window";
    into.push_back(std::move(found));
    return;
  }
  into.push_back(judge_refusal(std::move(found), answer, 400));
}

void judge_empty_key(const Answer& answer, Findings& into) {
  Finding found{.id = "B5", .title = "an empty Authorization header"};
  if (answer.status == 200) {
    found.detail = "it is let in";
    into.push_back(std::move(found));
    return;
  }
  into.push_back(judge_refusal(std::move(found), answer, 401));
}

void judge_unknown_voice(const Answer& answer, Findings& into) {
  Finding found{.id = "A3", .title = "an unknown voice is refused"};
  if (answer.status == 200) {
    found.verdict = Verdict::open;
    found.detail = "it speaks with another voice without a word";
    into.push_back(std::move(found));
    return;
  }
  into.push_back(judge_refusal(std::move(found), answer, 400));
}

}  // namespace intragate::check

// Counts the prompt's tokens where the model's own tokenizer is known, and refuses what can never fit into the model's
// context window: an answer that no model has to be asked for.
#include <algorithm>

#include "pipeline/exchange.h"
#include "pipeline/measure.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {
namespace {

// OpenAI's words: programs look for them.
Error too_long(std::uint64_t window, std::uint64_t prompt, std::uint64_t answer) {
  std::string message = "This model's maximum context length is " + std::to_string(window) + " tokens. However, ";
  if (answer == 0) {
    message +=
        "your messages resulted in " + std::to_string(prompt) + " tokens. Please reduce the length of the messages.";
  } else {
    message += "you requested " + std::to_string(prompt + answer) + " tokens (" + std::to_string(prompt) +
               " in the messages, " + std::to_string(answer) +
               " in the completion). Please reduce the length of the messages or completion.";
  }
  return make_error(Code::context_exceeded, std::move(message));
}

}  // namespace

Result<Measured> measure(const Lane& lane, const llm::Call& call, std::string_view body, WallTime now) {
  Measured out{.most = lane.model.max_answer_tokens};
  const std::optional<dialect::TokenCounter::Count> count =
      lane.counter == nullptr ? std::nullopt : lane.counter->prompt(call, body, now);
  if (!count) return out;
  if (count->exact) out.prompt = count->tokens;
  const std::uint64_t window = lane.model.context_window;
  if (window == 0) return out;
  if (count->tokens >= window) return too_long(window, count->tokens, 0);
  const std::uint64_t left = window - count->tokens;
  if (lane.model.fit_max_tokens) {
    if (call.max_tokens.value_or(0) > left) out.most = left;
  } else if (call.max_tokens.value_or(0) > left) {
    return too_long(window, count->tokens, *call.max_tokens);
  }
  return out;
}

Passage Measure::pass(Exchange& x) {
  if (x.lane == nullptr) return Next::go_on;
  x.most_answer = x.lane->model.max_answer_tokens;
  if (x.lane->counter == nullptr || only_counts(x)) return Next::go_on;
  Result<Measured> measured = measure(*x.lane, x.call, x.body(), x.wall);
  if (!measured) return std::move(measured).error();
  x.most_answer = measured->most;
  x.call.bound_answer(measured->most);
  x.prompt_counted = measured->prompt;
  if (measured->prompt) x.prompt_estimate = *measured->prompt;
  return Next::go_on;
}

}  // namespace intragate::pipeline

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

// Where nobody counts: what is asked for cannot fit if it is the whole window, whatever the prompt is. An estimate of
// the prompt may be far off (of pictures, it is), so it refuses nothing, and makes room for half of the window at most.
Result<Measured> by_guess(const config::Model& model, const llm::Call& call, std::size_t bytes, Measured out) {
  const std::uint64_t window = model.context_window;
  const std::uint64_t asked = call.max_tokens.value_or(0);
  const std::uint64_t estimate = std::min(estimated_prompt(bytes, window), window / 2);
  if (model.fit_max_tokens && asked > window - estimate) {
    out.most = std::max<std::uint64_t>(window - estimate, 1);
  } else if (asked >= window && out.most >= window) {
    out.most = std::max<std::uint64_t>(window - 1, 1);  // the operator's own bound is no wish of the client
  } else if (asked >= window) {
    return make_error(Code::context_exceeded,
                      "This model's maximum context length is " + std::to_string(window) +
                          " tokens. However, you requested " + std::to_string(asked) +
                          " tokens in the completion alone. Please reduce the length of the completion.");
  }
  return out;
}

}  // namespace

Result<Measured> measure(const Lane& lane, const llm::Call& call, std::string_view body, WallTime now) {
  Measured out{.most = lane.model.max_answer_tokens};
  const std::optional<dialect::TokenCounter::Count> count =
      lane.counter == nullptr ? std::nullopt : lane.counter->prompt(call, body, now);
  const std::uint64_t window = lane.model.context_window;
  if (!count && (window == 0 || !llm::generates(call.api))) return out;
  if (!count) return by_guess(lane.model, call, body.size(), out);
  if (count->exact) out.prompt = count->tokens;
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
  const bool bounded = x.lane->model.context_window > 0 && x.call.max_tokens;
  if ((x.lane->counter == nullptr && !bounded) || only_counts(x)) return Next::go_on;
  Result<Measured> measured = measure(*x.lane, x.call, x.body(), x.wall);
  if (!measured) return std::move(measured).error();
  x.most_answer = measured->most;
  x.call.bound_answer(measured->most);
  x.prompt_counted = measured->prompt;
  if (measured->prompt) x.prompt_estimate = *measured->prompt;
  return Next::go_on;
}

}  // namespace intragate::pipeline

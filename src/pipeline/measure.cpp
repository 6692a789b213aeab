// Counts the prompt's tokens where the model's own tokenizer is known, and refuses what can never fit into the model's
// context window: an answer that no model has to be asked for.
#include <algorithm>
#include <memory>
#include <string>

#include "pipeline/exchange.h"
#include "pipeline/measure.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

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

// All that the counting thread touches: the call may be over before.
struct Counting {
  std::shared_ptr<const dialect::TokenCounter> counter;
  llm::Call call;
  std::string body;
  WallTime now;
  Counted count{};
};

Result<Next> take(Exchange& x, const Counted& count) {
  Result<Measured> measured = fit(*x.lane, x.call, x.body().size(), count);
  if (!measured) return std::move(measured).error();
  x.most_answer = measured->most;
  x.call.bound_answer(measured->most);
  x.prompt_counted = measured->prompt;
  if (measured->prompt) x.prompt_estimate = *measured->prompt;
  return Next::go_on;
}

net::Task<Result<Next>> measure_long(Exchange& x) {
  const Result<Counted> counted = co_await count_aside(x);
  if (!counted) co_return counted.error();
  co_return take(x, *counted);
}

}  // namespace

net::Task<Result<Counted>> count_aside(Exchange& x) {
  const auto counting = std::make_shared<Counting>(Counting{x.lane->counter, x.call, std::string{x.body()}, x.wall});
  const net::Held held{x.worker.loop().buffers().meter(), counting->body.capacity()};
  const net::Until until{x.deadline, &x.connection.cancellation()};
  net::Aside::Work work = [counting] {
    counting->count = counting->counter->prompt(counting->call, counting->body, counting->now);
  };
  const net::Wake wake = co_await x.worker.aside().run(std::move(work), until);
  if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
  if (wake == net::Wake::deadline) co_return Counted{};  // whoever waits next says so
  co_return counting->count;
}

Result<Measured> measure(const Lane& lane, const llm::Call& call, std::string_view body, WallTime now) {
  return fit(lane, call, body.size(), lane.counter == nullptr ? std::nullopt : lane.counter->prompt(call, body, now));
}

Result<Measured> fit(const Lane& lane, const llm::Call& call, std::size_t bytes, const Counted& count) {
  Measured out{.most = lane.model.max_answer_tokens};
  const std::uint64_t window = lane.model.context_window;
  if (!count && (window == 0 || !llm::generates(call.api))) return out;
  if (!count) return by_guess(lane.model, call, bytes, out);
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
  const bool counted = x.lane->counter != nullptr;
  const bool bounded = x.lane->model.context_window > 0 && x.call.max_tokens;
  if (!(counted || bounded) || only_counts(x) || !llm::generates(x.call.api)) return Next::go_on;
  if (counted && x.body().size() > kCountedAtOnce) return measure_long(x);
  Result<Next> taken = take(x, counted ? x.lane->counter->prompt(x.call, x.body(), x.wall) : std::nullopt);
  if (!taken) return std::move(taken).error();
  return *taken;
}

}  // namespace intragate::pipeline

#include "base/log.h"
#include "base/text.h"
#include "dialect/form.h"
#include "dialect/openai.h"
#include "dialect/rerank.h"
#include "dialect/text_completion.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/fronting.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

Error no_such_path(const Exchange& x) {
  if (x.target.pasted_endpoint) {
    return make_error(
        Code::unknown_path,
        "The base URL must end before the endpoint: use the address of this gateway followed by /v1, without "
        "/chat/completions or the like.");
  }
  return make_error(Code::unknown_path,
                    "There is nothing at this URL. The base URL is the address of this gateway followed by /v1.");
}

Error no_such_model(const Exchange& x) {
  if (x.snapshot->awaiting_discovery) {
    return make_error(Code::no_endpoint,
                      "No model server has answered yet, so the gateway does not know its models; please "
                      "try again in a moment.")
        .after(std::chrono::seconds{5});
  }
  return make_error(Code::unknown_model, "The model " + text::quoted(x.call.model) +
                                             " does not exist here; GET /v1/models lists those this key may use.");
}

// What would fail only once a model has it.
Result<Unit> check_ranking(const Exchange& x) {
  Result<dialect::rerank::Asked> asked = dialect::rerank::understand(x.connection.body());
  if (!asked) return std::move(asked).error();
  if (!ranks_by_vectors(*x.lane)) return Unit{};
  Result<std::string> texts = dialect::rerank::as_embeddings(*asked, {});
  if (!texts) return std::move(texts).error();
  return Unit{};
}

// The model has nothing but chat.
Result<Unit> complete_in_chat(Exchange& x) {
  x.front = dialect::text_completion::make_front();
  Result<Unit> asked = ask_in_chat(x);
  if (!asked) return asked;
  Result<llm::Call> call = dialect::openai::understand(x.call.api, x.asked());
  if (!call) return std::move(call).error();
  call->user = std::move(x.call.user);
  x.call = std::move(*call);
  return Unit{};
}

Result<Next> understood(Exchange& x) {
  if (x.front) {
    Result<Unit> asked = ask_in_chat(x);
    if (!asked) return std::move(asked).error();
  }
  const std::string_view body = x.asked();
  Result<llm::Call> call = x.upload ? x.upload->reader.call()
                           : x.call.api == llm::Api::transcription
                               ? dialect::form::understand(x.head.content_type, body)
                               : dialect::openai::understand(x.call.api, body);
  if (!call) return std::move(call).error();
  x.call = std::move(*call);
  if (!x.principal->trust_user) x.call.user.clear();
  x.lane = x.snapshot->find(x.call.model);
  if (x.lane == nullptr) return no_such_model(x);
  if (x.call.api == llm::Api::completions && x.lane->model.kind == "chat") {
    Result<Unit> asked = complete_in_chat(x);
    if (!asked) return std::move(asked).error();
  }
  if (x.call.api == llm::Api::rerank) {
    Result<Unit> ranking = check_ranking(x);
    if (!ranking) return std::move(ranking).error();
  }
  x.call.bound_answer(x.lane->model.max_answer_tokens);
  x.deadline = Deadline::in(x.begun, x.lane->model.timeouts.total);
  if (x.front) x.front->begin(name_of(x), estimated_prompt(x));
  return Next::go_on;
}

net::Task<Result<Next>> read_and_understand(Exchange& x) {
  net::Task<Result<Unit>> receiving =
      x.call.api == llm::Api::transcription ? receive_form(x) : x.connection.receive_body();
  Result<Unit> received = co_await receiving;
  x.bytes_in = x.connection.body_bytes();
  if (!received) co_return std::move(received).error();
  co_return understood(x);
}

}  // namespace

Passage Understand::pass(Exchange& x) {
  if (x.target.route == nullptr) return no_such_path(x);
  x.call.api = x.target.route->api;
  if (!x.method_matches) {
    return make_error(Code::unsupported_method, x.target.route->method == Method::post
                                                    ? "This URL takes POST requests only."
                                                    : "This URL takes GET requests only.");
  }
  if (x.connection.head().expect == net::Expect::unknown) {
    return make_error(Code::expectation_failed, "The only expectation served is `Expect: 100-continue`.");
  }
  if (x.target.route->method == Method::get) return Next::go_on;
  if (!x.connection.take_body_here()) return read_and_understand(x);
  x.bytes_in = x.connection.body_bytes();
  Result<Next> done = understood(x);
  if (!done) return std::move(done).error();
  return *done;
}

}  // namespace intragate::pipeline

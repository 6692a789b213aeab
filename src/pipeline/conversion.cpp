#include "pipeline/conversion.h"

#include <algorithm>

#include "dialect/embeddings.h"
#include "dialect/openai_read.h"
#include "pipeline/exchange.h"

namespace intragate::pipeline {
namespace {

namespace openai = dialect::openai;

Error malformed(const Exchange& x, std::string detail) {
  return make_error(Code::upstream_malformed,
                    "The model `" + x.lane->name + "` gave an answer that cannot be read; its operator has to look.")
      .because(std::move(detail));
}

llm::UsageSource source_of(const Exchange& x) {
  return x.prompt_counted ? llm::UsageSource::counted : llm::UsageSource::estimated;
}

// By the model's tokenizer, or about four bytes a token, as prompts are estimated.
llm::Usage estimated_usage(const Exchange& x, const llm::Delta& said) {
  std::size_t bytes = said.text.size() + said.reasoning.size();
  for (const llm::ToolPiece& tool : said.tools) bytes += tool.name.size() + tool.arguments.size();
  if (said.usage) return {estimated_prompt(x), said.usage->completion_tokens, source_of(x)};
  if (x.lane->counter != nullptr && said.tools.empty()) {
    const std::optional<std::uint64_t> counted = x.lane->counter->text(said.reasoning + said.text);
    if (counted) return {estimated_prompt(x), *counted, source_of(x)};
  }
  return {estimated_prompt(x), (bytes + 3) / 4, llm::UsageSource::estimated};
}

openai::Vectors vectors_of(const Exchange& x) {
  return openai::wants_base64(x.body()) ? openai::Vectors::base64 : openai::Vectors::numbers;
}

}  // namespace

openai::NamedElsewhere named_in(const Exchange& x) {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(x.wall.time_since_epoch());
  return {x.call.api, x.request_id, since.count(), x.call.model};
}

openai::AnswerName name_of(const Exchange& x) {
  return named_in(x).name();
}

std::unique_ptr<Conversion> conversion_of(const Exchange& x, const Attempt& a) {
  if (a.converter == nullptr) return nullptr;
  return std::make_unique<Conversion>(*a.converter, name_of(x), estimated_prompt(x), x.lane->model.reasoning, a.tools);
}

llm::Usage usage_so_far(const Exchange& x) {
  if (x.usage.source != llm::UsageSource::none) return x.usage;
  return {estimated_prompt(x), x.events, llm::UsageSource::counted};
}

Result<dialect::Sending> convert_request(const Lane& lane, const upstream::Endpoint& endpoint,
                                         const dialect::Converter& converter, const Asking& asking) {
  const llm::Api api = asking.call.api;
  if (!llm::generates(api) && api != llm::Api::embeddings) {
    return make_error(Code::invalid_request, "The model `" + lane.name + "` cannot be used for " +
                                                 std::string{llm::api_name(api)} + ": its server has no such API.");
  }
  Result<llm::Request> request = openai::read_request(asking.call, asking.body);
  if (!request) return std::move(request).error();
  const std::string& known = endpoint.configured().model;
  request->model = known.empty() ? lane.name : known;
  request->context_window = lane.model.context_window;
  request->now = asking.now;
  return converter.request(*request);
}

Result<dialect::Sending> convert_request(const Exchange& x, const Attempt& a) {
  return convert_request(*x.lane, *a.endpoint, *a.converter, {x.call, x.body(), x.wall});
}

Result<Unit> convert_answer(Exchange& x, Attempt& a) {
  Answer& answer = a.answer;
  const int status = answer.head.status;
  if (!answer.collected) return malformed(x, "the answer is longer than 32 MiB");
  if (answer.packed()) {
    return malformed(x, "the answer is compressed, which was not asked for");
  }
  if (status < 200 || status >= 300) {
    answer.owned = openai::encode_refusal(status, a.converter->refusal(answer.owned));
  } else {
    llm::Delta said;
    a.converter->answer(x.call.api, answer.owned, said);
    if (said.malformed || said.failed) {
      return malformed(x, said.failed ? "an error with status " + std::to_string(status) : "not of the dialect");
    }
    const bool embeddings = x.call.api == llm::Api::embeddings;
    const std::size_t wanted = embeddings ? dialect::embeddings::find_inputs(x.call, x.body()).size() : 0;
    if (embeddings && said.embeddings.size() != std::max<std::size_t>(wanted, 1)) {
      return malformed(x,
                       std::to_string(said.embeddings.size()) + " embeddings of " + std::to_string(wanted) + " inputs");
    }
    dialect::ReasoningFilter{x.lane->model.reasoning}.apply(said.text, said.reasoning,
                                                            dialect::ReasoningFilter::Piece::last);
    dialect::ToolText{a.tools}.apply(said, dialect::ToolText::Piece::last);
    if (!said.usage || said.usage->prompt_tokens == 0) said.usage = estimated_usage(x, said);
    answer.usage = *said.usage;
    answer.owned = embeddings ? openai::encode_embeddings(name_of(x), said, vectors_of(x))
                              : openai::encode_answer(name_of(x), said);
  }
  answer.held.set(answer.owned.capacity());
  answer.content_type = "application/json";
  if (answer.seldom) answer.seldom->content_encoding.clear();
  return Unit{};
}

}  // namespace intragate::pipeline

// Dialects towards models: whatever a model says, in whatever pieces it comes, becomes the same events, each of them
// JSON that a client can read; and whatever a client asks is turned into a request or refused. Input: the first byte
// chooses the dialect and the API, the second the cuts and where thoughts go, the rest are the bytes.
#include <simdjson.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/openai.h"
#include "dialect/openai_read.h"
#include "fuzz/require.h"
#include "pipeline/conversion.h"
#include "pipeline/mending.h"
#include "pipeline/stream.h"

namespace {

using namespace intragate;
using fuzz::require;

// An interface in a configuration's words.
config::Template described(config::StreamFraming framing) {
  const config::Pointers pointers{.text = "/result/0/text",
                                  .reasoning = "/result/0/thought",
                                  .finish_reason = "/stop",
                                  .prompt_tokens = "/usage/in",
                                  .completion_tokens = "/usage/out",
                                  .error = "/error"};
  config::Template custom;
  custom.path = "/generate";
  custom.body = R"({"prompt": {{ prompt | tojson }}, "messages": {{ messages | tojson }}, "stop": {{ stop | tojson }},
                    "tools": {{ tools | default([]) | tojson }}, "heat": {{ temperature | default(1) }}})";
  custom.answer = pointers;
  custom.framing = framing;
  if (framing != config::StreamFraming::text) custom.event = pointers;
  if (framing == config::StreamFraming::ndjson) custom.done = "/done";
  return custom;
}

// New ones at the end: the corpus counts on their order.
std::vector<config::Endpoint> endpoints() {
  std::vector<config::Endpoint> all(9);
  for (std::size_t i = 0; i < 3; ++i) all[i].dialect = std::array{"ollama", "tgi", "triton"}[i];
  all[1].chat_template = "qwen";
  all[2].chat_template = "mistral";
  all[3].dialect = "triton";
  all[3].triton.preset = config::TritonPreset::text;
  using enum config::StreamFraming;
  for (std::size_t i = 7; i < all.size(); ++i) all[i].dialect = config::kTritonGrpc;
  all[7].chat_template = "mistral";
  all[8].triton.preset = config::TritonPreset::text;
  all[8].triton.inputs = {{"k", config::TensorType::int32, "top_k", "1"},
                          {"ends", config::TensorType::bytes, "stop", ""}};
  for (std::size_t i = 4; i < 7; ++i) {
    all[i].dialect = "template";
    all[i].chat_template = "llama-3";
    all[i].custom = described(std::array{sse, ndjson, text}[i - 4]);
  }
  return all;
}

const dialect::Converter& converter_of(unsigned chosen) {
  static const auto kAll = [] {
    std::vector<std::unique_ptr<const dialect::Converter>> all;
    for (const config::Endpoint& endpoint : endpoints()) {
      auto made = dialect::dialect_row(endpoint.dialect).make(endpoint);
      require(static_cast<bool>(made), "every dialect can be made");
      all.push_back(std::move(*made));
    }
    return all;
  }();
  return *kAll[chosen % kAll.size()];
}

net::BodyDecoder until_length(std::size_t length) {
  net::ResponseHead head;
  head.status = 200;
  head.framing = net::Framing::length;
  head.content_length = length;
  return net::BodyDecoder{head};
}

struct Spoken {
  const dialect::Converter& converter;
  llm::Api api;
  dialect::Reasoning reasoning;
};

std::string replay(const Spoken& by, std::string_view answer, std::size_t stride) {
  pipeline::Stream stream{pipeline::Stream::Framing::plain, pipeline::Stream::UsageEvents::shown, 0,
                          std::make_unique<pipeline::Conversion>(
                              by.converter, dialect::openai::AnswerName{by.api, "id", 1, "m"}, 7, by.reasoning),
                          nullptr};
  net::BodyDecoder body = until_length(answer.size());
  std::string said;
  std::string scratch;
  std::string buffer;
  for (std::size_t at = 0;;) {
    const std::string_view piece = answer.substr(at, stride);
    buffer += piece;
    at += piece.size();
    const pipeline::Stream::Output out = stream.take(buffer, body, scratch);
    said += out.bytes;
    buffer.erase(0, out.consumed);
    if (out.end != pipeline::Stream::End::open) return said + std::to_string(static_cast<int>(out.end));
    require(!piece.empty(), "a stream that is over ends");
  }
}

bool is_json(const std::string& text) {
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  return parser.parse(text).get(element) == simdjson::SUCCESS;
}

void check_events(std::string_view said) {
  constexpr std::string_view kField = "data: ";
  while (said.starts_with(kField)) {
    const std::size_t end = said.find("\n\n");
    require(end != std::string_view::npos, "an event ends with a blank line");
    const std::string data{said.substr(kField.size(), end - kField.size())};
    require(data == "[DONE]" || is_json(data), "an event is JSON");
    said.remove_prefix(end + 2);
  }
  require(said.size() == 1, "there is nothing but events");
}

void check_answer(const Spoken& by, std::string_view bytes) {
  const auto& [converter, api, reasoning] = by;
  llm::Delta said;
  converter.answer(api, bytes, said);
  dialect::ReasoningFilter{reasoning}.apply(said.text, said.reasoning, dialect::ReasoningFilter::Piece::last);
  const dialect::openai::AnswerName name{api, "id", 1, "m"};
  if (api == llm::Api::embeddings) {
    require(is_json(dialect::openai::encode_embeddings(name, said, dialect::openai::Vectors::base64)), "is JSON");
  } else {
    require(is_json(dialect::openai::encode_answer(name, said)), "an answer is JSON");
  }
  const std::string refusal = dialect::openai::encode_refusal(400, converter.refusal(bytes));
  require(is_json(refusal) && refusal.size() < 1024, "a refusal is JSON of less than 1 KB");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  constexpr std::array kApis{llm::Api::chat, llm::Api::completions, llm::Api::embeddings};
  const llm::Api api = kApis[data[0] % kApis.size()];
  const dialect::Converter& converter = converter_of(data[0] / kApis.size());
  const std::size_t stride = 1U + data[1] % 64U;
  const Spoken by{converter, api, static_cast<dialect::Reasoning>(data[1] / 64U)};
  const std::string bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  if (converter.framing() != net::EventFraming::text) {
    const std::string whole = replay(by, bytes, bytes.size() + 1);
    require(replay(by, bytes, stride) == whole, "any cut is the same");
    require(replay(by, bytes, 1) == whole, "byte by byte is the same");
  }
  check_events(replay(by, bytes, stride));
  check_answer(by, bytes);
  const Result<llm::Call> call = dialect::openai::understand(api, bytes);
  if (!call) return 0;
  const Result<llm::Request> request = dialect::openai::read_request(*call, bytes);
  if (request) (void)converter.request(*request);
  return 0;
}

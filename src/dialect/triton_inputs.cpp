#include "dialect/triton_inputs.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/json_write.h"
#include "dialect/raw.h"

namespace intragate::dialect {
namespace {

using config::TensorType;
using config::TritonPreset;

// OpenAI's name and that of the backend.
struct Name {
  std::string_view openai;
  std::string_view theirs;
  TensorType type = TensorType::fp32;
};
constexpr auto kVllm = std::to_array<Name>({{"temperature", "temperature"},
                                            {"top_p", "top_p"},
                                            {"top_k", "top_k"},
                                            {"min_p", "min_p"},
                                            {"seed", "seed"},
                                            {"presence_penalty", "presence_penalty"},
                                            {"frequency_penalty", "frequency_penalty"},
                                            {"repetition_penalty", "repetition_penalty"}});
constexpr auto kTensorrt = std::to_array<Name>({{"temperature", "temperature"},
                                                {"top_p", "top_p"},
                                                {"top_k", "top_k", TensorType::int32},
                                                {"seed", "random_seed", TensorType::uint64},
                                                {"presence_penalty", "presence_penalty"},
                                                {"frequency_penalty", "frequency_penalty"},
                                                {"repetition_penalty", "repetition_penalty"}});

Tensor flag(std::string name, bool value) {
  return {.name = std::move(name), .type = TensorType::boolean, .values = {value ? "true" : "false"}};
}

// Sampling goes as JSON within a text tensor.
void add_vllm(const llm::Request& request, const Prompts& prompts, std::vector<Tensor>& to) {
  std::string sampling;
  json::Writer json{sampling};
  json.open_object();
  for (const Name& name : kVllm) {
    if (is_number(request.raw(name.openai))) json.raw(name.theirs, request.raw(name.openai));
  }
  if (request.max_tokens) json.number("max_tokens", static_cast<std::int64_t>(*request.max_tokens));
  const std::vector<std::string> stops = prompts.stops(request);
  if (!stops.empty()) {
    json.open_array("stop");
    for (const std::string& stop : stops) json.element(stop);
    json.close_array();
  }
  json.close_object();
  to.push_back(flag("stream", request.stream));
  to.push_back(flag("exclude_input_in_output", true));
  to.push_back({.name = "sampling_parameters", .values = {std::move(sampling)}});
}

void add_tensorrt(const llm::Request& request, const Prompts& prompts, std::vector<Tensor>& to) {
  constexpr std::uint64_t kUsual = 512;  // the backend demands a number
  to.push_back({.name = "max_tokens",
                .type = TensorType::int32,
                .values = {std::to_string(request.max_tokens.value_or(kUsual))}});
  to.push_back(flag("stream", request.stream));
  to.push_back(flag("exclude_input_in_output", true));
  for (const Name& name : kTensorrt) {
    const std::string_view value = request.raw(name.openai);
    if (!is_number(value)) continue;
    to.push_back({.name = std::string{name.theirs}, .type = name.type, .values = {std::string{value}}});
  }
  std::vector<std::string> stops = prompts.stops(request);
  if (!stops.empty()) to.push_back({.name = "stop_words", .values = std::move(stops), .list = true});
}

// What the configuration adds.
void add_further(const config::Triton& settings, const Prompts& prompts, const llm::Request& request,
                 std::vector<Tensor>& to) {
  for (const config::TritonInput& input : settings.inputs) {
    Tensor tensor{.name = input.name, .type = input.type};
    const std::string_view raw = request.raw(input.member);
    if (input.member == "stream") {
      tensor.values = {request.stream ? "true" : "false"};
    } else if (input.member == "model") {
      tensor.values = {request.model};
    } else if (input.member == "stop") {
      tensor.values = prompts.stops(request);
      tensor.list = true;
    } else if (input.member == "max_tokens" && request.max_tokens) {
      tensor.values = {std::to_string(*request.max_tokens)};
    } else if (is_number(raw)) {
      tensor.values = {std::string{raw}};
    } else if (!input.fallback.empty()) {
      tensor.values = {input.fallback};
    }
    if (!tensor.values.empty()) to.push_back(std::move(tensor));
  }
}

bool is_plain(std::string_view name) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.find_first_not_of(kPlain) == std::string_view::npos && !name.starts_with('.');
}

}  // namespace

std::string_view type_name(TensorType type) {
  constexpr std::array<std::string_view, 6> kNames{"BYTES", "BOOL", "INT32", "INT64", "UINT64", "FP32"};
  return kNames[static_cast<std::size_t>(type)];
}

Result<std::string> model_at(const config::Triton& to, const llm::Request& request) {
  const std::string& model = to.model.empty() ? request.model : to.model;
  if (!is_plain(model)) {
    return make_error(Code::invalid_request, "This model's name cannot be used at its server.");
  }
  return model;
}

namespace {

// Each text of a batch has its own value of every tensor.
void repeat(std::size_t rows, std::vector<Tensor>& tensors) {
  for (Tensor& tensor : tensors) {
    const std::vector<std::string> once = tensor.values;
    tensor.rows = rows;
    for (std::size_t row = 1; row < rows; ++row) tensor.values.insert(tensor.values.end(), once.begin(), once.end());
  }
}

Result<std::vector<Tensor>> embedding_inputs(const config::Triton& to, const Prompts& prompts,
                                             const llm::Request& request) {
  if (to.preset != TritonPreset::text) {
    return make_error(Code::invalid_request, "This model's interface generates text and has no embeddings.");
  }
  const bool told = std::any_of(to.inputs.begin(), to.inputs.end(),
                                [](const config::TritonInput& input) { return input.member == "dimensions"; });
  if (!told && !request.raw("dimensions").empty()) {
    return make_error(Code::invalid_request, "This model's vectors have the length they have: leave out `dimensions`.");
  }
  std::vector<Tensor> tensors;
  add_further(to, prompts, request, tensors);
  if (to.batched) repeat(request.inputs.size(), tensors);
  const std::size_t rows = to.batched ? request.inputs.size() : 1;
  tensors.insert(tensors.begin(), {.name = to.input, .values = request.inputs, .rows = rows});
  return tensors;
}

}  // namespace

Result<std::vector<Tensor>> triton_inputs(const config::Triton& to, const Prompts& prompts,
                                          const llm::Request& request) {
  if (request.api == llm::Api::embeddings) return embedding_inputs(to, prompts, request);
  Result<std::string> prompt = prompts.of(request);
  if (!prompt) return std::move(prompt).error();
  std::vector<Tensor> tensors;
  tensors.push_back({.name = to.input, .values = {*std::move(prompt)}});
  if (to.preset == TritonPreset::vllm) add_vllm(request, prompts, tensors);
  if (to.preset == TritonPreset::tensorrt_llm) add_tensorrt(request, prompts, tensors);
  add_further(to, prompts, request, tensors);
  return tensors;
}

}  // namespace intragate::dialect

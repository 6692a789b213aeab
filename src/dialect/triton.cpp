#include "dialect/triton.h"

#include <array>
#include <span>

#include "base/json_write.h"
#include "dialect/prompt.h"
#include "dialect/raw.h"

namespace intragate::dialect {
namespace {

using config::TritonPreset;
using json::Kind;
using json::Member;

// OpenAI's name and that of the backend.
struct Name {
  std::string_view openai;
  std::string_view theirs;
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
                                                {"top_k", "top_k"},
                                                {"seed", "random_seed"},
                                                {"presence_penalty", "presence_penalty"},
                                                {"frequency_penalty", "frequency_penalty"},
                                                {"repetition_penalty", "repetition_penalty"}});

void write_numbers(const llm::Request& request, std::span<const Name> names, json::Writer& json) {
  for (const Name& name : names) {
    if (is_number(request.raw(name.openai))) json.raw(name.theirs, request.raw(name.openai));
  }
}

void write_list(std::string_view key, const std::vector<std::string>& texts, json::Writer& json) {
  if (texts.empty()) return;
  json.open_array(key);
  for (const std::string& text : texts) json.element(text);
  json.close_array();
}

class Triton final : public Converter {
 public:
  Triton(const config::Triton& settings, Prompts prompts) : to_{settings}, prompts_{std::move(prompts)} {}

  Result<Sending> request(const llm::Request& request) const override {
    Result<std::string> prompt = prompts_.of(request);
    if (!prompt) return std::move(prompt).error();
    const std::string& model = to_.model.empty() ? request.model : to_.model;
    if (!is_plain(model)) {
      return make_error(Code::invalid_request, "This model's name cannot be used at its server.");
    }
    Sending sending{.path = "/v2/models/" + model, .body = {}, .tools = prompts_.tools(request)};
    if (!to_.version.empty()) sending.path += "/versions/" + to_.version;
    json::Writer json{sending.body};
    json.open_object();
    if (to_.preset == TritonPreset::text) {
      sending.path += "/infer";
      write_tensors(*prompt, json);
    } else {
      sending.path += request.stream ? "/generate_stream" : "/generate";
      json.text(to_.input, *prompt);
      if (to_.preset == TritonPreset::vllm) write_vllm(request, json);
      if (to_.preset == TritonPreset::tensorrt_llm) write_tensorrt(request, json);
    }
    json.close_object();
    return sending;
  }

  void event(llm::Api api, std::string_view data, llm::Delta& into) const override {
    answer(api, data, into);
    // What is one of many parts has no end of its own.
    if (to_.preset != TritonPreset::text) {
      into.finish.clear();
      into.done = false;
    }
  }

  void answer(llm::Api api, std::string_view body, llm::Delta& into) const override {
    const std::optional<Member> error = follow(body, "/error");
    if (error) {
      into.failed = true;
      json::append_text(into.error, error->value);
      return;
    }
    const std::optional<Member> text =
        to_.preset == TritonPreset::text ? output_of(body) : follow(body, '/' + to_.output);
    const bool list = text && text->kind == Kind::array;
    const std::optional<Member> first = list ? follow(text->value, "/0") : text;
    if (!first || first->kind != Kind::string) {
      into.malformed = !(list && !first);  // an empty list is an empty text
      return;
    }
    json::append_text(into.text, first->value);
    if (api == llm::Api::chat) prompts_.cut_end(into.text);
    into.finish = "stop";
    into.done = true;
  }

  std::string refusal(std::string_view body) const override {
    std::string words;
    const std::optional<Member> error = follow(body, "/error");
    if (error) json::append_text(words, error->value);
    return words;
  }

  net::EventFraming framing() const override {
    return to_.preset == TritonPreset::text ? net::EventFraming::whole : net::EventFraming::sse;
  }
  bool says_done() const override { return false; }

 private:
  // As a part of a path.
  static bool is_plain(std::string_view name) {
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return !name.empty() && name.find_first_not_of(kPlain) == std::string_view::npos && !name.starts_with('.');
  }

  void write_tensors(std::string_view prompt, json::Writer& json) const {
    json.open_array("inputs").open_object().text("name", to_.input).raw("shape", to_.batched ? "[1,1]" : "[1]");
    json.text("datatype", "BYTES").open_array("data").element(prompt).close_array().close_object().close_array();
    json.open_array("outputs").open_object().text("name", to_.output).close_object().close_array();
  }

  // Sampling goes as JSON within a text tensor.
  void write_vllm(const llm::Request& request, json::Writer& json) const {
    std::string sampling;
    json::Writer inner{sampling};
    inner.open_object();
    write_numbers(request, kVllm, inner);
    if (request.max_tokens) inner.number("max_tokens", static_cast<std::int64_t>(*request.max_tokens));
    write_list("stop", prompts_.stops(request), inner);
    inner.close_object();
    json.flag("stream", request.stream).flag("exclude_input_in_output", true).text("sampling_parameters", sampling);
  }

  void write_tensorrt(const llm::Request& request, json::Writer& json) const {
    constexpr std::int64_t kUsual = 512;  // the backend demands a number
    json.number("max_tokens", request.max_tokens ? static_cast<std::int64_t>(*request.max_tokens) : kUsual);
    json.flag("stream", request.stream).flag("exclude_input_in_output", true);
    write_numbers(request, kTensorrt, json);
    write_list("stop_words", prompts_.stops(request), json);
  }

  // The data of the output tensor of that name.
  [[nodiscard]] std::optional<Member> output_of(std::string_view body) const {
    const std::optional<Member> outputs = follow(body, "/outputs");
    if (!outputs || outputs->kind != Kind::array) return std::nullopt;
    json::ArrayScan scan{outputs->value};
    while (const std::optional<Member> output = scan.next()) {
      const std::optional<Member> name = follow(output->value, "/name");
      std::string text;
      if (name) json::append_text(text, name->value);
      if (text == to_.output) return follow(output->value, "/data");
    }
    return std::nullopt;
  }

  config::Triton to_;
  Prompts prompts_;
};

}  // namespace

Result<std::unique_ptr<const Converter>> make_triton(const config::Endpoint& endpoint) {
  Result<Prompts> prompts = Prompts::make(endpoint);
  if (!prompts) return std::move(prompts).error();
  return std::unique_ptr<const Converter>{std::make_unique<const Triton>(endpoint.triton, *std::move(prompts))};
}

}  // namespace intragate::dialect

#include "dialect/triton.h"

#include "base/json_write.h"
#include "dialect/kserve_vectors.h"
#include "dialect/prompt.h"
#include "dialect/raw.h"
#include "dialect/triton_inputs.h"

namespace intragate::dialect {
namespace {

using config::TritonPreset;
using json::Kind;
using json::Member;

class Triton final : public Converter {
 public:
  Triton(const config::Triton& settings, Prompts prompts) : to_{settings}, prompts_{std::move(prompts)} {}

  Result<Sending> request(const llm::Request& request) const override {
    Result<std::string> model = model_at(to_, request);
    if (!model) return std::move(model).error();
    const Result<std::vector<Tensor>> tensors = triton_inputs(to_, prompts_, request);
    if (!tensors) return tensors.error();
    Sending sending{.path = "/v2/models/" + *model, .body = {}, .tools = prompts_.tools(request)};
    if (!to_.version.empty()) sending.path += "/versions/" + to_.version;
    json::Writer json{sending.body};
    json.open_object();
    if (to_.preset == TritonPreset::text) {
      sending.path += "/infer";
      json.open_array("inputs");
      for (const Tensor& tensor : *tensors) write_tensor(tensor, json);
      json.close_array();
      json.open_array("outputs").open_object().text("name", to_.output).close_object().close_array();
    } else {
      sending.path += request.stream ? "/generate_stream" : "/generate";
      for (const Tensor& tensor : *tensors) write_member(tensor, json);
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
    if (api == llm::Api::embeddings) {
      const std::optional<Member> output = output_of(body);
      into.malformed = !output || !kserve::append_vectors(output->value, into.embeddings);
      return;
    }
    const std::optional<Member> error = follow(body, "/error");
    if (error) {
      into.failed = true;
      json::append_text(into.error, error->value);
      return;
    }
    const std::optional<Member> text =
        to_.preset == TritonPreset::text ? data_of(body) : follow(body, '/' + to_.output);
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
  // For /generate.
  static void write_member(const Tensor& tensor, json::Writer& json) {
    if (tensor.type != config::TensorType::bytes) {
      json.raw(tensor.name, tensor.values.front());
    } else if (tensor.list) {
      write_values(tensor.name, tensor, json);
    } else {
      json.text(tensor.name, tensor.values.front());
    }
  }

  // For /infer.
  void write_tensor(const Tensor& tensor, json::Writer& json) const {
    const std::string rows = to_.batched ? std::to_string(tensor.rows) + ',' : std::string{};
    const std::string count = std::to_string(tensor.values.size() / (to_.batched ? tensor.rows : 1));
    json.open_object().text("name", tensor.name).raw("shape", '[' + rows + count + ']');
    json.text("datatype", type_name(tensor.type));
    write_values("data", tensor, json);
    json.close_object();
  }

  static void write_values(std::string_view key, const Tensor& tensor, json::Writer& json) {
    if (tensor.type == config::TensorType::bytes) {
      json.open_array(key);
      for (const std::string& value : tensor.values) json.element(value);
      json.close_array();
      return;
    }
    std::string numbers;
    for (const std::string& value : tensor.values) numbers += (numbers.empty() ? '[' : ',') + value;
    json.raw(key, numbers + ']');
  }

  [[nodiscard]] std::optional<Member> data_of(std::string_view body) const {
    const std::optional<Member> output = output_of(body);
    return output ? follow(output->value, "/data") : std::nullopt;
  }

  // The output tensor of that name.
  [[nodiscard]] std::optional<Member> output_of(std::string_view body) const {
    const std::optional<Member> outputs = follow(body, "/outputs");
    if (!outputs || outputs->kind != Kind::array) return std::nullopt;
    json::ArrayScan scan{outputs->value};
    while (const std::optional<Member> output = scan.next()) {
      const std::optional<Member> name = follow(output->value, "/name");
      std::string text;
      if (name) json::append_text(text, name->value);
      if (text == to_.output) return output;
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

#include "dialect/triton_grpc.h"

#include <algorithm>

#include "dialect/kserve.h"
#include "dialect/prompt.h"
#include "dialect/triton_inputs.h"

namespace intragate::dialect {
namespace {

using config::TritonPreset;
using kserve::Frame;

class TritonGrpc final : public Converter {
 public:
  TritonGrpc(const config::Triton& settings, Prompts prompts) : to_{settings}, prompts_{std::move(prompts)} {}

  Result<Sending> request(const llm::Request& request) const override {
    const Result<std::string> model = model_at(to_, request);
    if (!model) return model.error();
    const Result<std::vector<Tensor>> tensors = triton_inputs(to_, prompts_, request);
    if (!tensors) return tensors.error();
    const bool batched = to_.batched || to_.preset == TritonPreset::tensorrt_llm;  // whose models always have batches
    Result<std::string> body = kserve::infer_request(
        {.model = *model, .version = to_.version, .output = to_.output, .inputs = *tensors, .batched = batched});
    if (!body) return std::move(body).error();
    // The backends of the other presets answer in pieces, for which there is no ModelInfer.
    const bool pieces = request.stream || to_.decoupled || to_.preset != TritonPreset::text;
    return Sending{.path = std::string{kserve::kService} + (pieces ? "ModelStreamInfer" : "ModelInfer"),
                   .body = *std::move(body),
                   .tools = prompts_.tools(request)};
  }

  void event(llm::Api api, std::string_view data, llm::Delta& into) const override {
    const std::optional<Frame> frame = kserve::next_frame(data);
    if (!frame || frame->kind == Frame::Kind::bad) {
      into.malformed = true;
    } else if (frame->kind == Frame::Kind::trailers) {
      end(frame->data, into);
    } else {
      take(api, kserve::read_stream_answer(frame->data, to_.output), into);
      if (api == llm::Api::chat) prompts_.cut_end(into.text);
    }
  }

  void answer(llm::Api api, std::string_view body, llm::Delta& into) const override {
    bool found = false;
    while (const std::optional<Frame> frame = kserve::next_frame(body)) {
      if (into.done || frame->kind == Frame::Kind::bad) into.malformed = true;
      if (into.malformed || into.failed) return;
      if (frame->kind == Frame::Kind::trailers) {
        end(frame->data, into);
        continue;
      }
      const kserve::InferAnswer said = kserve::read_stream_answer(frame->data, to_.output);
      found = found || said.found;
      take(api, said, into);
    }
    into.malformed = into.malformed || (!into.failed && !(into.done && found));
    if (api == llm::Api::chat) prompts_.cut_end(into.text);
    if (into.done) into.finish = "stop";
  }

  // What the server said in `grpc-message`, which net/grpc_answer.h makes the body of a refusal. Pages of proxies and
  // frames are no words for callers.
  std::string refusal(std::string_view body) const override {
    const bool words =
        std::all_of(body.begin(), body.end(), [](char c) { return static_cast<unsigned char>(c) >= ' '; });
    return words && !body.starts_with('<') ? std::string{body} : std::string{};
  }

  net::EventFraming framing() const override { return net::EventFraming::grpc; }

 private:
  static void end(std::string_view trailers, llm::Delta& into) {
    kserve::Status status = kserve::status_of(trailers);
    if (status.code == 0) {
      into.done = true;
      return;
    }
    into.failed = true;
    into.error = std::move(status.message);
  }

  static void take(llm::Api api, const kserve::InferAnswer& said, llm::Delta& into) {
    const bool vectors = api == llm::Api::embeddings;
    if (said.malformed || (said.found && vectors != said.numbers.has_value())) {
      into.malformed = true;
    } else if (!said.error.empty()) {
      into.failed = true;
      into.error = said.error;
    } else if (said.numbers) {
      into.malformed = !kserve::append_vectors(*said.numbers, into.embeddings);
    } else if (said.text) {
      into.text += *said.text;
    }
  }

  config::Triton to_;
  Prompts prompts_;
};

}  // namespace

Result<std::unique_ptr<const Converter>> make_triton_grpc(const config::Endpoint& endpoint) {
  Result<Prompts> prompts = Prompts::make(endpoint);
  if (!prompts) return std::move(prompts).error();
  return std::unique_ptr<const Converter>{std::make_unique<const TritonGrpc>(endpoint.triton, *std::move(prompts))};
}

}  // namespace intragate::dialect

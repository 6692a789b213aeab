// KServe v2 over gRPC: the messages of inference.GRPCInferenceService that a call needs, and the frames they travel in.
// Owner: the caller; views point into what was read. Thread: any (pure). Does not: know presets or prompts.
// Source: KServe's grpc_predict_v2.proto, and Triton's ModelStreamInferResponse; grpc's PROTOCOL-HTTP2.md for frames.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/kserve_vectors.h"
#include "dialect/triton_inputs.h"

namespace intragate::dialect::kserve {

inline constexpr std::string_view kService = "/inference.GRPCInferenceService/";

struct InferRequest {
  std::string_view model;
  std::string_view version;  // empty: the server's choice
  std::string_view output;   // the tensor that is wanted
  std::span<const Tensor> inputs;
  bool batched = false;  // shapes begin with the tensor's rows
};
// The request in its frame. Errors: invalid_request for a number that the tensor's type cannot hold.
[[nodiscard]] Result<std::string> infer_request(const InferRequest& request);

// An infer_request for people, as JSON.
[[nodiscard]] std::string describe(std::string_view request);

// A ModelInferResponse, or a ModelStreamInferResponse with one in it.
struct InferAnswer {
  bool malformed = false;
  std::string_view error;                // of a stream; empty: none
  bool found = false;                    // the tensor that was wanted is in it
  std::optional<std::string_view> text;  // its first; nothing: it has none
  std::optional<Numbers> numbers{};      // instead of texts
};
[[nodiscard]] InferAnswer read_answer(std::string_view message, std::string_view output);
[[nodiscard]] InferAnswer read_stream_answer(std::string_view message, std::string_view output);

// What an answer's body is made of: messages, and at its end the trailers, as gRPC-Web has them (net/grpc_answer.h).
struct Frame {
  enum class Kind : std::uint8_t { message, trailers, bad } kind = Kind::bad;
  std::string_view data{};
};
// Takes the first frame off `bytes`; nothing when there are no more.
[[nodiscard]] std::optional<Frame> next_frame(std::string_view& bytes);

struct Status {
  int code = -1;  // 0 is well; -1: none was said
  std::string message;
};
[[nodiscard]] Status status_of(std::string_view trailers);

// Of a ServerReadyResponse in its frame.
[[nodiscard]] bool says_ready(std::string_view body);

}  // namespace intragate::dialect::kserve

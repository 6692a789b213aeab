// What a KServe v2 model is asked with: the tensors of a request, by the backend's names, before they become JSON
// (triton.h) or protobuf (triton_grpc.h). Owner: a converter, unchanged for ever. Thread: any (pure).
// Source: vllm_backend and tensorrtllm_backend (24.10) for the names and types of tensors.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "dialect/prompt.h"
#include "llm/request.h"

namespace intragate::dialect {

struct Tensor {
  std::string name;
  config::TensorType type = config::TensorType::bytes;
  std::vector<std::string> values{};  // texts as they are; numbers and flags as JSON writes them
  bool list = false;                  // as JSON: an array, also of one
  std::size_t rows = 1;               // of a batch: one for each text
};

[[nodiscard]] std::string_view type_name(config::TensorType type);  // "INT32"

// The model's name at the server, as a part of a path. Errors: invalid_request.
[[nodiscard]] Result<std::string> model_at(const config::Triton& to, const llm::Request& request);

// The prompt first, or the texts whose embeddings are wanted. Errors: invalid_request for what cannot be asked there.
[[nodiscard]] Result<std::vector<Tensor>> triton_inputs(const config::Triton& to, const Prompts& prompts,
                                                        const llm::Request& request);

}  // namespace intragate::dialect

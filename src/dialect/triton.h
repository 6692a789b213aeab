// Triton and other servers of KServe's v2 protocol over HTTP: /v2/models/M/generate, /generate_stream and /infer.
// Source: KServe "Open Inference Protocol" (v2), Triton's generate extension (protocol/extension_generate.md, 24.10),
// vllm_backend and tensorrtllm_backend for the names of tensors. Pure; see converter.h.
#pragma once

#include "dialect/converter.h"

namespace intragate::dialect {

[[nodiscard]] Result<std::unique_ptr<const Converter>> make_triton(const config::Endpoint& endpoint);

}  // namespace intragate::dialect

// Triton and other servers of KServe's v2 protocol over gRPC: ModelInfer, and ModelStreamInfer for streams, with the
// same presets as triton.h. What comes in is the body of net/grpc_answer.h: messages, and the trailers as a last frame.
// Pure; see converter.h.
#pragma once

#include "dialect/converter.h"

namespace intragate::dialect {

[[nodiscard]] Result<std::unique_ptr<const Converter>> make_triton_grpc(const config::Endpoint& endpoint);

}  // namespace intragate::dialect

// Text Generation Inference's own API: /generate and /generate_stream. Source: TGI's OpenAPI description
// (docs/openapi.json, v3.3). Pure; see converter.h. Does not: take chats without a chat template.
#pragma once

#include "dialect/converter.h"

namespace intragate::dialect {

[[nodiscard]] Result<std::unique_ptr<const Converter>> make_tgi(const config::Endpoint& endpoint);

}  // namespace intragate::dialect

// The one text that models without messages of their own read. Owner: none. Thread: any (pure).
#pragma once

#include <string>

#include "base/result.h"
#include "llm/request.h"

namespace intragate::dialect {

// Errors: invalid_request for what cannot be a text: a chat without a chat template, pictures, embeddings.
[[nodiscard]] Result<std::string> prompt_of(const llm::Request& request);

}  // namespace intragate::dialect

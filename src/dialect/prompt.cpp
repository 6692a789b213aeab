#include "dialect/prompt.h"

namespace intragate::dialect {

Result<std::string> prompt_of(const llm::Request& request) {
  if (request.api == llm::Api::completions) return request.prompt;
  if (request.api == llm::Api::embeddings) {
    return make_error(Code::invalid_request, "This model's interface generates text and has no embeddings.");
  }
  return make_error(Code::invalid_request,
                    "This model's interface takes one prompt and no chat: use /v1/completions with it.");
}

}  // namespace intragate::dialect

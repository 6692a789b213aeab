// OpenAI's completions for clients, over chat: for models that have nothing but chat. The prompt is what one user says,
// and the text is what the assistant answers. Pure functions over bytes. Source: OpenAI API reference (completions).
// Owner: the caller. Thread: any. Does not: give log probabilities, echo the prompt, fill in between.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/front.h"

namespace intragate::dialect::text_completion {

// The chat request that asks for the same. Errors: invalid_json; invalid_request, with a sentence for the caller:
// several prompts or answers, token ids, `echo`, `suffix`, `logprobs`.
[[nodiscard]] Result<std::string> chat_request(std::string_view body);

[[nodiscard]] std::unique_ptr<Front> make_front();

}  // namespace intragate::dialect::text_completion

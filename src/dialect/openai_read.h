// Reads a whole OpenAI request into plain data, for models of other dialects: pure functions over bytes. Source: OpenAI
// API reference (chat, completions, embeddings). Owner: the caller. Thread: any. Does not: fetch pictures, check what
// only a model can judge (sampling, tools: raw JSON, passed on as it is).
#pragma once

#include <string_view>

#include "base/result.h"
#include "llm/call.h"
#include "llm/request.h"

namespace intragate::dialect::openai {

// Errors: invalid_request, with a sentence for the caller: messages that are no list of messages, a picture that is no
// data: URL, a content part of another type, several prompts or answers at once, token ids.
[[nodiscard]] Result<llm::Request> read_request(const llm::Call& call, std::string_view body);

// Whether embeddings are asked for in base64 (`encoding_format`).
[[nodiscard]] bool wants_base64(std::string_view body);

}  // namespace intragate::dialect::openai

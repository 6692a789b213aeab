// Reads what a model says in the OpenAI form into plain data, for clients of other APIs (front.h): pure functions over
// bytes. Source: OpenAI API reference. Owner: the caller. Thread: any. Does not: mend (openai_mend.h has been there).
#pragma once

#include <string_view>

#include "llm/delta.h"

namespace intragate::dialect::openai {

// One chat event: the JSON behind `data:`, or [DONE]. `into` is clear. Of several choices the first counts.
void read_event(std::string_view data, llm::Delta& into);

// A whole chat answer; what is none is `malformed`.
void read_answer(std::string_view body, llm::Delta& into);

// The words of an error object, or of a body that is none: {"error":{"message"}}, {"error":"…"}, {"message"}. Empty: it
// says nothing.
[[nodiscard]] std::string read_refusal(std::string_view body);

}  // namespace intragate::dialect::openai

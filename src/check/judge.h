// What Dify would think of an answer: each function looks at one answer and says what docs/check.md lists under its
// letters. Pure: no I/O, no clock. Owner: the caller. Thread: any.
// Source: how Dify's openai_api_compatible plugin reads answers (docs/dify.md).
#pragma once

#include <string>
#include <string_view>

#include "check/answer.h"
#include "check/finding.h"

namespace intragate::check {

// Beginning of a body, on one line, for a person to read: at most 200 bytes, controls replaced.
[[nodiscard]] std::string excerpt(std::string_view body);

// C1, C4: no redirect, no long silence. `call`: the path asked.
void judge_connection(const Answer& answer, std::string_view call, Findings& into);

enum class Chat : std::uint8_t { chat, completion };
// N1, N2 or N3: the answer to the very request that Dify validates with.
void judge_answer(const Answer& answer, Chat chat, Findings& into);
// S1 … S7, S10, S11: a stream of some twenty tokens, asked with include_usage.
void judge_stream(const Answer& answer, Chat chat, Findings& into);
// T1: the answer to a question that only the tool `weather` can answer.
void judge_tool_call(const Answer& answer, Findings& into);
// T2: the same, streamed.
void judge_tool_stream(const Answer& answer, Findings& into);

// E1: a wrong key.
void judge_wrong_key(const Answer& answer, Findings& into);
// E2: a model that does not exist.
void judge_unknown_model(const Answer& answer, Findings& into);
// E4: a body that is no JSON.
void judge_malformed(const Answer& answer, Findings& into);
// W1: a prompt of more tokens than the window has.
void judge_too_long(const Answer& answer, Findings& into);

// B1: one text. B2: three texts together (`many`), the second of which was also asked alone (`one`).
void judge_embedding(const Answer& answer, Findings& into);
void judge_embeddings(const Answer& many, const Answer& one, Findings& into);
// R1: Dify's own validation request, three documents. R2: top_n = 1 of them.
void judge_rerank(const Answer& answer, Findings& into);
void judge_top_n(const Answer& answer, Findings& into);
// A1, A2.
void judge_speech(const Answer& answer, Findings& into);
void judge_transcription(const Answer& answer, Findings& into);

}  // namespace intragate::check

// What Dify would think of an answer: each function looks at one answer and says what docs/check.md lists under its
// letters. Pure: no I/O, no clock. Owner: the caller. Thread: any.
// Source: how Dify's openai_api_compatible plugin reads answers (docs/dify.md).
#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "check/answer.h"
#include "check/finding.h"
#include "config/tls.h"

namespace intragate::check {

// Beginning of a body, on one line, for a person to read: at most 200 bytes of it, cut
// between characters, controls replaced.
[[nodiscard]] std::string excerpt(std::string_view body);
// "status 503: …", what an answer is said to be that is no good.
[[nodiscard]] std::string status_and_body(const Answer& answer);

// C1, C4: no redirect, no long silence. `call`: the path asked.
void judge_connection(const Answer& answer, std::string_view call, Findings& into);
// C2: TLS as Dify's client, or the gateway, would speak it.
void judge_handshake(const Handshake& seen, const config::EndpointTls& tls, Findings& into);
// C3: all connections of the check together.
struct Connections {
  std::size_t made = 0;
  std::size_t unanswered = 0;
  bool succeeded = false;  // one brought what was asked for
};
void judge_connections(const Connections& all, Findings& into);

enum class Chat : std::uint8_t { chat, completion };
// N1, N2 or N3: the answer to the very request that Dify validates with.
void judge_answer(const Answer& answer, Chat chat, Findings& into);
inline constexpr std::uint32_t kStreamTokens = 40;
// S1 … S8, S10: a stream of so many tokens and no end in sight, asked with include_usage.
void judge_stream(const Answer& answer, Chat chat, Findings& into);
// S11: a stream that repeats Chinese characters and emoji.
void judge_characters(const Answer& answer, Chat chat, Findings& into);
// J1: the answer to a request for an object with a `city`.
void judge_schema(const Answer& answer, Findings& into);
// V1: the answer to a picture.
void judge_picture(const Answer& answer, Findings& into);
// T1: the answer to a question that only the tool `weather` can answer.
void judge_tool_call(const Answer& answer, Findings& into);
// T2: the same of two cities, streamed.
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
// B3: a text longer than the window. B4: ten at once, in the median. B5: an empty Authorization header.
void judge_long_text(const Answer& answer, Findings& into);
void judge_ten(Duration one, Duration ten, Findings& into);
void judge_empty_key(const Answer& answer, Findings& into);
// R1: Dify's own validation request, three documents. R2: top_n = 1 of them.
void judge_rerank(const Answer& answer, Findings& into);
void judge_top_n(const Answer& answer, Findings& into);
// A1, A3, A2.
void judge_speech(const Answer& answer, Findings& into);
void judge_unknown_voice(const Answer& answer, Findings& into);
void judge_transcription(const Answer& answer, Findings& into);

// How long so many calls at once waited for their first byte, in the median; kNever: they failed.
inline constexpr Duration kNever = Duration::max();
struct AtOnce {
  std::uint32_t calls = 1;
  Duration median{};
};
// Whether the last step waited twice as long as the first, or failed: there is no use in going on.
[[nodiscard]] bool is_knee(const std::vector<AtOnce>& steps);
// L0: the last step before the knee, which is what to set as max_concurrency; 0: nothing was found out.
std::uint32_t judge_concurrency(const std::vector<AtOnce>& steps, Findings& into);

}  // namespace intragate::check

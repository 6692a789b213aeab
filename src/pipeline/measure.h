// How many tokens a prompt is, and whether it fits. Owner: none. Thread: any (pure), but for count_aside: the loop's.
// Does not: refuse by a guess: where no tokenizer is known only an answer as long as the whole window is, and the
// estimate (exchange.h) stays one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "dialect/token_counter.h"
#include "llm/call.h"
#include "net/task.h"
#include "pipeline/snapshot.h"

namespace intragate::pipeline {

struct Exchange;

// Of requests up to here the prompt is counted at once (some ms at the very worst); of longer ones beside the loop.
inline constexpr std::size_t kCountedAtOnce = 4096;

using Counted = std::optional<dialect::TokenCounter::Count>;  // nothing: it cannot be counted

// Counts a long request's prompt beside the loop. REQUIRES: the lane has a counter. Errors: client_gone.
[[nodiscard]] net::Task<Result<Counted>> count_aside(Exchange& x);

struct Measured {
  std::optional<std::uint64_t> prompt{};  // tokens, exactly; nothing: not counted, or more than that
  std::uint64_t most = 0;                 // tokens that the model may be asked for; 0: as many as the client likes
};

// Whether a prompt of so many tokens, in so many bytes of a request, fits. REQUIRES: max_answer_tokens is in `call`
// (Call::bound_answer). Errors: context_exceeded.
[[nodiscard]] Result<Measured> fit(const Lane& lane, const llm::Call& call, std::size_t bytes, const Counted& count);
// Counts the prompt first, however long that takes. REQUIRES: max_answer_tokens is in `call` (Call::bound_answer).
// Errors: context_exceeded.
[[nodiscard]] Result<Measured> measure(const Lane& lane, const llm::Call& call, std::string_view body, WallTime now);

}  // namespace intragate::pipeline

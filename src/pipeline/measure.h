// How many tokens a prompt is, and whether it fits. Owner: none. Thread: any (pure).
// Does not: refuse by a guess: where no tokenizer is known only an answer as long as the whole window is, and the
// estimate (exchange.h) stays one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "llm/call.h"
#include "pipeline/snapshot.h"

namespace intragate::pipeline {

struct Measured {
  std::optional<std::uint64_t> prompt{};  // tokens, exactly; nothing: not counted, or more than that
  std::uint64_t most = 0;                 // tokens that the model may be asked for; 0: as many as the client likes
};

// REQUIRES: max_answer_tokens is in `call` (Call::bound_answer). Errors: context_exceeded.
[[nodiscard]] Result<Measured> measure(const Lane& lane, const llm::Call& call, std::string_view body, WallTime now);

}  // namespace intragate::pipeline

// Which calls belong together, for `balance: session`: the model's cache of their common beginning lies on one
// endpoint. Owner: plain values. Thread: any. Does not: choose the endpoint (upstream/choice.h), keep anything between
// calls. Rule: the header x-session-id of the same key; without it, the same key, end user and beginning of the
// conversation (dialect/openai.h, session_prefix). The same in every gateway process.
#pragma once

#include <cstdint>
#include <string_view>

#include "llm/call.h"

namespace intragate::pipeline {

struct SessionParts {
  std::string_view key;     // the principal's name
  std::string_view header;  // x-session-id; empty: none
  const llm::Call& call;
  std::string_view body;
};
[[nodiscard]] std::uint64_t session_of(const SessionParts& parts);

}  // namespace intragate::pipeline

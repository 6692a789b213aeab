// The OpenAI dialect, spoken to clients and to models: pure functions over bytes. Source: OpenAI API reference (chat,
// completions, embeddings, models), and what Dify demands of them. No I/O, no clock, no state.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "llm/call.h"
#include "llm/usage.h"

namespace intragate::dialect::openai {

// Understands a request body. Errors: invalid_json (not one JSON object), invalid_request (no `model`, a `model` that is not
// a string or is empty, `stream` not a boolean, `stream_options` not an object or null, one of the members we read twice:
// models disagree on which of two counts). Everything else passes unread.
[[nodiscard]] Result<llm::Call> understand(llm::Api api, std::string_view body);

// The changes that make the body fit the endpoint: the model's name there, and, with AskUsage::yes on a stream whose client
// did not ask, `stream_options.include_usage: true` (other stream_options members survive).
enum class AskUsage : std::uint8_t { no, yes };
[[nodiscard]] llm::Edits edits(const llm::Call& call, std::string_view body, std::string_view upstream_model, AskUsage ask);

// What one stream event's data says. `data` is the JSON after `data:`, or `[DONE]`.
struct EventFacts {
  bool done = false;                 // [DONE]
  bool error = false;                // an `error` member and no choices: the model gave up
  bool usage_only = false;           // `choices` empty or absent, and `usage` an object
  bool content = false;              // counts as a generated piece: some choice with a delta or text
  std::optional<llm::Usage> usage;   // an event may carry usage beside choices
};
// Costs two substring searches for an ordinary event; parses only when something is there.
[[nodiscard]] EventFacts inspect_event(std::string_view data);

// Usage of a whole (not streamed) answer, or of its first or last part: finds the `usage` object if it is in `body`.
[[nodiscard]] std::optional<llm::Usage> find_usage(std::string_view body);

// {"error":{"message","type","param":null,"code"}}, < 1 KB, no line break.
[[nodiscard]] std::string encode_error(const Error& error);

// A model as /v1/models shows it.
struct ModelEntry {
  std::string_view id;
  std::int64_t created = 0;           // seconds since 1970: when the gateway learned of it
  std::uint64_t context_window = 0;   // 0: unknown, left out
  std::string_view kind;              // empty: any, left out
};
[[nodiscard]] std::string encode_models(std::span<const ModelEntry> models);
[[nodiscard]] std::string encode_model(const ModelEntry& model);

// The ids of an endpoint's /v1/models answer (OpenAI's list; also Ollama-like {"models":[{"name"}]}). At most 10,000, each at
// most 512 bytes. Errors: upstream_malformed.
[[nodiscard]] Result<std::vector<std::string>> decode_models(std::string_view body);

}  // namespace intragate::dialect::openai

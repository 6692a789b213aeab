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

// Understands a request body. Errors: invalid_json (not one JSON object, with the byte where it stops being one);
// invalid_request (no `model`, or one that is not a string of 1 … 512 bytes; `stream` neither a boolean nor null;
// `stream_options` neither an object nor null, or its `include_usage` no boolean; `user` not a string of at most 512
// bytes; a member that is read here given twice, or in other case like "MODEL": models disagree on which one counts).
// max_completion_tokens wins over max_tokens; neither is checked. Everything else passes unread.
[[nodiscard]] Result<llm::Call> understand(llm::Api api, std::string_view body);

// The part of a body that tells one conversation from another and does not change while it goes on: the messages up to
// and including the first one of the role `user`, as written, or the beginning of `prompt` or `input`; at most
// kSessionPrefix bytes of it. Reads no more of the body than that.
inline constexpr std::size_t kSessionPrefix = 1024;
[[nodiscard]] std::string_view session_prefix(const llm::Call& call, std::string_view body);

// The changes that make the body fit the endpoint: the model's name there; with AskUsage::yes on a stream whose client
// did not ask, `stream_options.include_usage: true` (other stream_options members survive); and, where an answer may
// have only so many tokens (0: any number), no higher max_tokens or max_completion_tokens than that, nor none at all.
enum class AskUsage : std::uint8_t { no, yes };
[[nodiscard]] llm::Edits edits(const llm::Call& call, std::string_view body, std::string_view upstream_model,
                               AskUsage ask, std::uint64_t most_tokens = 0);

// What one stream event's data says. `data` is the JSON after `data:`, or `[DONE]`.
struct EventFacts {
  bool done = false;                // [DONE]
  bool error = false;               // `error` (not null) and no choices: the model gave up
  bool usage_only = false;          // `choices` empty or absent, and `usage` an object
  bool content = false;             // a generated piece: some choice has text, or a delta with anything but its role in
                                    // it; not the opening event (role, empty text), not the closing one (finish_reason)
  std::optional<llm::Usage> usage;  // an event may carry usage beside choices
  std::string_view text;            // the string that makes it content, as written, with its quotes; else empty
};
// Reads the top level and the first choice with something in it: about 0.25 µs for an ordinary event, nothing
// allocated. The words "usage" and "error" in what the model says do not mislead it. Nothing is said of what is not one
// JSON object.
[[nodiscard]] EventFacts inspect_event(std::string_view data);

// Whether an event's data is [DONE], the end of every stream.
[[nodiscard]] bool is_done(std::string_view data);

// Whether an event carries a finish_reason: some choice ends with it.
[[nodiscard]] bool says_finished(std::string_view data);

// The events that close an answer which was cut off, in place of what the model would have said; `last` is one of its
// own events: the finish_reason, then the counts if `usage` is given, each as the JSON behind `data:`.
struct Closing {
  std::string finish;
  std::string usage;  // empty: none
};
struct Finish {
  std::string_view reason = "length";
  std::int64_t choice = 0;
};
[[nodiscard]] Closing close_answer(llm::Api api, std::string_view last, const llm::Usage* usage, Finish finish = {});

// Usage of a whole (not streamed) answer or of its last part: finds the top level's `usage` object if all of it is in
// `body`. Embeddings have no completion_tokens: 0.
[[nodiscard]] std::optional<llm::Usage> find_usage(std::string_view body);
// The same of a first part, whose end tells nothing.
[[nodiscard]] std::optional<llm::Usage> find_usage_in_beginning(std::string_view body);

// {"error":{"message","type","param":null,"code"}}, < 1 KB, no line break.
[[nodiscard]] std::string encode_error(const Error& error);

// A model as /v1/models shows it.
struct ModelEntry {
  std::string_view id;
  std::int64_t created = 0;                      // seconds since 1970: when the gateway learned of it
  std::uint64_t context_window = 0;              // 0: unknown, left out
  std::string_view kind;                         // empty: any, left out
  std::vector<std::string_view> capabilities{};  // the APIs it can be used with; none: left out
};
[[nodiscard]] std::string encode_models(std::span<const ModelEntry> models);
[[nodiscard]] std::string encode_model(const ModelEntry& model);

// The ids of an endpoint's /v1/models answer (OpenAI's list; also Ollama-like {"models":[{"name"}]}). Entries without
// an id of 1 … 512 bytes are left out. Errors: upstream_malformed: neither list, not JSON, more than 10,000 models.
[[nodiscard]] Result<std::vector<std::string>> decode_models(std::string_view body);

}  // namespace intragate::dialect::openai

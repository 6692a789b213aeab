// What the gateway understands of a request to a model. Plain data, made by a dialect, read by the stations.
// Does not: hold the body (the exchange does); offsets point into it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace intragate::llm {

enum class Api : std::uint8_t {
  chat,
  completions,
  embeddings,
  rerank,
  speech,
  transcription,
  messages,
  responses,
  models,
  model,
  count_tokens
};

inline constexpr std::size_t kApis = static_cast<std::size_t>(Api::count_tokens) + 1;
// How many of them a model answers: those come first.
inline constexpr std::size_t kModelApis = static_cast<std::size_t>(Api::models);

[[nodiscard]] constexpr std::string_view api_name(Api api) {
  constexpr std::array<std::string_view, kApis> kNames{"chat",   "completions",   "embeddings",  "rerank",
                                                       "speech", "transcription", "messages",    "responses",
                                                       "models", "model",         "count_tokens"};
  return kNames[static_cast<std::size_t>(api)];
}

// Whether a model answers with tokens of its own making.
[[nodiscard]] constexpr bool generates(Api api) {
  return api == Api::chat || api == Api::completions;
}

enum class Stream : std::uint8_t { no, yes };

// Whether the client's body asks for the usage event of a stream.
enum class UsageWish : std::uint8_t { unsaid, no, yes };

// A stretch of the body, in bytes.
struct Span {
  std::size_t offset = 0;
  std::size_t length = 0;
};

struct Call {
  Api api = Api::chat;
  Stream stream = Stream::no;
  UsageWish usage = UsageWish::unsaid;
  std::string model;                                     // unescaped
  std::string user;                                      // unescaped; empty: none
  std::optional<std::uint64_t> max_tokens;               // max_completion_tokens or max_tokens
  Span model_value;                                      // the raw string with its quotes
  std::array<std::optional<Span>, 2> max_tokens_values;  // raw, of max_tokens and of max_completion_tokens
  std::optional<Span> stream_options;                    // the raw object
  std::optional<Span> prompt;                            // the raw messages, prompt or input, unchecked
  std::size_t closing_brace = 0;                         // where members can be added

  // The model gives no more than `most` tokens (0: any number), whatever was asked for.
  void bound_answer(std::uint64_t most) {
    if (most > 0) max_tokens = std::min(max_tokens.value_or(most), most);
  }
};

// Replaces body[offset, offset + length) by text.
struct Edit {
  Span where;
  std::string text;
};

// The changes a dialect wants in a body, in ascending order and not overlapping. At most four today: model,
// stream_options, max_tokens and max_completion_tokens.
struct Edits {
  std::array<Edit, 4> list;
  std::size_t count = 0;
};

}  // namespace intragate::llm

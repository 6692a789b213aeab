// The requests as Dify makes them. Pure. Owner: the caller.
// Source: Dify's openai_api_compatible plugin 0.0.63 (docs/dify.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::check {

// What its form sends when a model is saved.
[[nodiscard]] std::string validation_chat(std::string_view model);
[[nodiscard]] std::string validation_completion(std::string_view model);
[[nodiscard]] std::string validation_rerank(std::string_view model, std::uint32_t top_n);

// A stream of about so many tokens; the prompt asks for something that goes on.
[[nodiscard]] std::string stream_chat(std::string_view model, std::uint32_t tokens);
[[nodiscard]] std::string stream_completion(std::string_view model, std::uint32_t tokens);
// Streams that repeat Chinese characters and emoji.
[[nodiscard]] std::string characters_chat(std::string_view model);
[[nodiscard]] std::string characters_completion(std::string_view model);
// With the fields that Dify's switches add, and that some servers refuse.
[[nodiscard]] std::string extended_chat(std::string_view model);
enum class Streamed : std::uint8_t { no, yes };
// A question that takes the tool once, or, streamed, twice.
[[nodiscard]] std::string tool_chat(std::string_view model, Streamed streamed);
// A conversation in which a tool has answered.
[[nodiscard]] std::string tool_history(std::string_view model);
[[nodiscard]] std::string schema_chat(std::string_view model);
[[nodiscard]] std::string image_chat(std::string_view model);
// 16 MiB, nearly all of it in a member that no server knows.
[[nodiscard]] std::string large_chat(std::string_view model);
// One message of so many words of a token each, or little more.
[[nodiscard]] std::string long_chat(std::string_view model, std::uint64_t words);

[[nodiscard]] std::string embedding(std::string_view model, std::string_view inputs_json);
[[nodiscard]] std::string long_embedding(std::string_view model, std::uint64_t words);
[[nodiscard]] std::string speech(std::string_view model, std::string_view voice);
inline constexpr std::string_view kBoundary = "----intragate-check-5f1c9a7e";
// multipart/form-data with a second of silence as 16 kHz WAV.
[[nodiscard]] std::string transcription(std::string_view model);

}  // namespace intragate::check

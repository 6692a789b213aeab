// What an endpoint's dialect needs to know beside the URL, and how answers are mended. Part of config.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/secret.h"

namespace intragate::tokenizer {
class Tokenizer;
}

namespace intragate::config {

// How a reranker scores: unit is 0 … 1; automatic: an answer with a score outside of that is in logits.
enum class RerankScores : std::uint8_t { automatic, logits, unit };

// Where the thoughts of models go: as they come, apart (`reasoning_content`), within the text (<think>), nowhere.
enum class Reasoning : std::uint8_t { as_it_is, separate, within, drop };

// The form in which a raw model writes tool calls into its text; automatic: as its chat template writes them.
enum class ToolCalls : std::uint8_t { automatic, none, hermes, llama, mistral, deepseek };

// The dialect whose servers speak gRPC, and so HTTP/2.
inline constexpr std::string_view kTritonGrpc = "triton-grpc";

enum class TritonPreset : std::uint8_t { vllm, tensorrt_llm, text };
enum class TensorType : std::uint8_t { bytes, boolean, int32, int64, uint64, fp32 };
// A tensor that the preset does not know, and what of the request goes in.
struct TritonInput {
  std::string name;
  TensorType type = TensorType::bytes;
  std::string member;    // `max_tokens`, `stream`, `stop`, `temperature` …
  std::string fallback;  // where the client says nothing; empty: then the tensor is left out
  friend bool operator==(const TritonInput&, const TritonInput&) = default;
};
struct Triton {
  TritonPreset preset = TritonPreset::vllm;
  std::string model;                   // as the server knows it; empty: the endpoint's `model`
  std::string version;                 // empty: the server's choice
  std::string input = "text_input";    // names of tensors
  std::string output = "text_output";  //
  bool batched = false;                // tensors have the shape [1,1] instead of [1]
  bool decoupled = false;              // triton-grpc, text: the model answers in pieces, also those who want it whole
  std::vector<TritonInput> inputs;
  friend bool operator==(const Triton&, const Triton&) = default;
};

// Where things stand in what a model says: JSON pointers (RFC 6901); empty: nowhere. No `text`: all of it is the text.
struct Pointers {
  std::string text;
  std::string reasoning;
  std::string finish_reason;
  std::string prompt_tokens;
  std::string completion_tokens;
  std::string error;
  friend bool operator==(const Pointers&, const Pointers&) = default;
};

enum class StreamFraming : std::uint8_t { none, sse, ndjson, text };
// An interface that is described rather than programmed.
struct Template {
  std::string method = "POST";
  std::string path;                                     // a Jinja template, behind the endpoint's own
  std::vector<std::pair<std::string, Secret>> headers;  // names are as written
  std::string body;                                     // a Jinja template that makes JSON
  Pointers answer;
  StreamFraming framing = StreamFraming::none;  // none: it has no streams, clients get the answer as one event
  Pointers event;                               // of a stream
  std::string done;  // what ends a stream: an event's text, or the pointer to what is true then; empty: its end
  friend bool operator==(const Template&, const Template&) = default;
};

// A model's tokenizer.json; no path: tokens are estimated.
struct TokenizerFile {
  std::string path;
  std::string digest;  // of what it holds: the same file read again is the same
  std::shared_ptr<const tokenizer::Tokenizer> made;
  friend bool operator==(const TokenizerFile& a, const TokenizerFile& b) {
    return a.path == b.path && a.digest == b.digest;
  }
};

}  // namespace intragate::config

// What an endpoint's dialect needs to know beside the URL, and how answers are mended. Part of config.h.
#pragma once

#include <cstdint>
#include <string>

namespace intragate::config {

// Where the thoughts of models go: as they come, apart (`reasoning_content`), within the text (<think>), nowhere.
enum class Reasoning : std::uint8_t { as_it_is, separate, within, drop };

enum class TritonPreset : std::uint8_t { vllm, tensorrt_llm, text };
struct Triton {
  TritonPreset preset = TritonPreset::vllm;
  std::string model;                   // as the server knows it; empty: the endpoint's `model`
  std::string version;                 // empty: the server's choice
  std::string input = "text_input";    // names of tensors
  std::string output = "text_output";  //
  bool batched = false;                // text: the input has the shape [1,1]
  friend bool operator==(const Triton&, const Triton&) = default;
};

}  // namespace intragate::config

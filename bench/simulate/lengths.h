// How long prompts and answers are, and how people pause: drawn from the published distributions of real traces.
// Source: lengths are the quantiles of the Azure LLM inference traces of 2023 (AzureLLMInferenceTrace_conv.csv, 19,366
// calls, and _code.csv, 8,819 calls; CC-BY, Patel et al., "Splitwise", ISCA 2024; github.com/Azure/AzurePublicDataset).
// Means: conversation 1,155 tokens in and 211 out, code 2,048 and 28. Pauses are Gamma distributed with shape 0.5, as
// BurstGPT's generator draws them (Wang et al., arXiv:2401.17644; github.com/HPMLL/BurstGPT): their coefficient of
// variation is 1.4, so that calls come in bursts.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace intragate::simulate {

struct Length {
  std::uint64_t prompt = 0;
  std::uint64_t answer = 0;
};

enum class Kind : std::uint8_t { conversation, code };

// Prompt and answer are drawn independently: their correlation in the traces is -0.11 and 0.00.
[[nodiscard]] Length draw_length(Kind kind, Random& random);
// Seconds.
[[nodiscard]] double draw_pause(double mean, Random& random);

}  // namespace intragate::simulate

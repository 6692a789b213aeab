// Tokens of one call and where the numbers come from. Plain data.
#pragma once

#include <cstdint>
#include <string_view>

namespace intragate::llm {

enum class UsageSource : std::uint8_t {
  none,       // nothing was generated or nothing is known
  upstream,   // the model said so
  counted,    // stream events with content were counted
  estimated,  // from the bytes
};

struct Usage {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  UsageSource source = UsageSource::none;
};

[[nodiscard]] constexpr std::string_view usage_source_name(UsageSource source) {
  switch (source) {
    case UsageSource::upstream: return "upstream";
    case UsageSource::counted: return "counted";
    case UsageSource::estimated: return "estimated";
    case UsageSource::none: break;
  }
  return "none";
}

}  // namespace intragate::llm

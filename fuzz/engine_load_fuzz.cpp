// What engines say about themselves: whatever the page, figures are finite and in their range, and a page says the same
// with a foreign line before it.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/engine_load.h"
#include "fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intragate;
  const std::string_view page{reinterpret_cast<const char*>(data), size};
  const std::optional<dialect::EngineLoad> load = dialect::read_engine_load(page);
  if (load) {
    fuzz::require(std::isfinite(load->waiting) && load->waiting >= 0, "calls that wait are a number");
    fuzz::require(load->cache_used >= 0 && load->cache_used <= 1, "the cache is used from 0 to 1");
  }
  const std::optional<dialect::EngineLoad> again = dialect::read_engine_load("up 1\n" + std::string{page});
  fuzz::require(load.has_value() == again.has_value(), "a foreign line changes nothing");
  fuzz::require(!load || (load->waiting == again->waiting && load->cache_used == again->cache_used), "nor the figures");
  const std::optional<std::uint32_t> slots = dialect::read_total_slots(page);
  fuzz::require(!slots || (*slots >= 1 && *slots <= 100'000), "slots are in their range");
  return 0;
}

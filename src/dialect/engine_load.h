// What inference engines tell about themselves beside their API, as hints for `max_concurrency: auto`: pure functions
// over the bytes of two pages that an engine may or may not have.
// Owner: the caller. Thread: any. Does not: fetch anything (app/engine_watch.cpp does), decide anything.
// Rule: gauges of vLLM, SGLang and llama.cpp in Prometheus' text format; llama.cpp's `/props`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace intragate::dialect {

struct EngineLoad {
  double waiting = 0;     // calls that wait within the engine, over all its parts
  double cache_used = 0;  // of the KV cache, 0 … 1, of its fullest part
};
// `/metrics`; nothing if none of the gauges is in it.
[[nodiscard]] std::optional<EngineLoad> read_engine_load(std::string_view page);

// `/metrics`: calls that the engine works at, over all its parts; nothing if it does not say.
[[nodiscard]] std::optional<double> read_engine_running(std::string_view page);

// `/props`: `total_slots`, 1 … 100,000.
[[nodiscard]] std::optional<std::uint32_t> read_total_slots(std::string_view page);

}  // namespace intragate::dialect

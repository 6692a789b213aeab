// The structured log: one JSON object a line on stderr, written by a background thread so that no loop waits for a
// pipe; when the reader is too slow, lines are dropped and the number dropped is said. Owner: the process. Thread: any.
// Does not: see prompts, answers or secrets (callers pass facts; nothing here dumps requests).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace intragate::log {

enum class Level : std::uint8_t { debug, info, warning, error };

// One fact: text or a whole number.
struct Field {
  Field(std::string_view key, std::string_view value) : name{key}, text{value} {}
  Field(std::string_view key, const char* value) : name{key}, text{value} {}
  Field(std::string_view key, std::int64_t value) : name{key}, number{value}, is_number{true} {}
  std::string_view name;
  std::string_view text;
  std::int64_t number = 0;
  bool is_number = false;
};
using Fields = std::initializer_list<Field>;

// Starts the background writer; lines below `level` are not made. Before start(), and after stop(), lines are written
// directly.
void start(Level level);
// Writes what is left. Call once, last.
void stop();
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);

// {"time":"2026-01-01T00:00:00.000Z","level":"info","event":"…",fields}. `event` is a fixed phrase: "upstream failed".
void write(Level level, std::string_view event, Fields fields = {});
inline void info(std::string_view event, Fields fields = {}) {
  write(Level::info, event, fields);
}
inline void warning(std::string_view event, Fields fields = {}) {
  write(Level::warning, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  write(Level::error, event, fields);
}

}  // namespace intragate::log

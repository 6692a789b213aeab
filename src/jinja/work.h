// What one rendering may still spend, and why it failed. A failure sticks: the first is kept, spending fails from then
// on, and whoever works looks at failed() in his loops; what is computed meanwhile goes nowhere.
// Owner: the rendering, on its stack. Thread: one. Does not: measure time: work is counted in steps, so that the same
// request always ends the same way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "jinja/value.h"

namespace intragate::jinja {

struct Limits {
  std::size_t steps = 2'000'000;          // expressions, statements, and 64 bytes or one item that is gone through
  std::size_t made = 256 * 1024 * 1024;   // bytes of all values that are made on the way
  std::size_t output = 64 * 1024 * 1024;  // bytes of the text
  unsigned depth = 400;                   // expressions, blocks and macros within each other
};

class Work {
 public:
  Work(const Limits& limits, WallTime now) : limits_{limits}, now_{now} {}
  ~Work();  // empties every namespace
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  // False when that is too much, or something has failed before.
  [[nodiscard]] bool step(std::size_t count = 1);
  // Before `bytes` are made, or that much is gone through.
  [[nodiscard]] bool make(std::size_t bytes);

  // Keeps the reason if it is the first; returns the value that stands for nothing.
  Value fail(std::string why);
  // raise_exception(): the template itself says no, in its own words.
  Value refuse(std::string why);
  [[nodiscard]] bool failed() const { return error_.has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

  [[nodiscard]] Value new_space(Object fields);

  void at_line(std::uint32_t line) { line_ = line; }
  [[nodiscard]] const Limits& limits() const { return limits_; }
  [[nodiscard]] WallTime now() const { return now_; }

 private:
  Limits limits_;
  WallTime now_;
  std::size_t steps_ = 0;
  std::size_t made_ = 0;
  std::uint32_t line_ = 0;
  std::vector<std::shared_ptr<Namespace>> spaces_;
  std::optional<Error> error_;
};

}  // namespace intragate::jinja

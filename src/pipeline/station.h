// A stop on a request's journey. Its constructor's parameters are all it may touch besides the exchange.
// Owner: the Worker. Thread: one loop. Stations never call each other.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "net/task.h"

namespace intragate::pipeline {

struct Exchange;

enum class Next : std::uint8_t { go_on, answered };

// What pass() returns: the result, or, where the station has to wait for something, a task that will have it. A station
// that never waits costs no coroutine frame.
class Passage {
 public:
  Passage(Next next) : result_{next} {}
  Passage(Error error) : result_{std::move(error)} {}
  Passage(net::Task<Result<Next>> task) : result_{Next::go_on}, task_{std::move(task)} {}

  [[nodiscard]] bool waits() const { return static_cast<bool>(task_); }
  [[nodiscard]] net::Task<Result<Next>> task() && { return std::move(task_); }
  [[nodiscard]] Result<Next>& result() { return result_; }

 private:
  Result<Next> result_;
  net::Task<Result<Next>> task_;
};

class Station {
 public:
  virtual ~Station() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  [[nodiscard]] virtual Passage pass(Exchange& x) = 0;
};

}  // namespace intragate::pipeline

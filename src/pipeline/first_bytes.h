// How soon a model's answers begin, for hedges (hedge.h); streams and other answers apart, because the latter begin
// when they are whole. Owner: the lane; snapshots share it, and it survives a reload. Thread: any; behind a mutex that
// is held for a microsecond, once or twice a call and only for models with `hedge`. Does not: read clocks.
#pragma once

#include <array>
#include <mutex>
#include <optional>

#include "llm/call.h"
#include "qos/recent_quantile.h"

namespace intragate::pipeline {

class FirstBytes {
 public:
  void count(llm::Stream kind, Duration time, TimePoint now) {
    const std::lock_guard lock{mutex_};
    times_[static_cast<std::size_t>(kind)].count(time, now);
  }
  // Later than this is one of 20. Nothing: too few answers are known.
  [[nodiscard]] std::optional<Duration> p95(llm::Stream kind, TimePoint now) const {
    const std::lock_guard lock{mutex_};
    return times_[static_cast<std::size_t>(kind)].value(0.95, now);
  }

 private:
  mutable std::mutex mutex_;
  std::array<qos::RecentQuantile, 2> times_;  // by llm::Stream
};

}  // namespace intragate::pipeline

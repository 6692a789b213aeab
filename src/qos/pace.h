// Pace: how fast a model works its queue off, measured from the calls that ended: the ground of every wait that is
// promised and of every Retry-After.
// Owner: a scheduler. Thread: one at a time. Does not: know slots or waiters.
// Rule: running means over about the last 64 calls; with n slots in use n calls end per mean time held (Little's law).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace intragate::qos {

class Pace {
 public:
  // A call of this (estimated) cost has held its slot so long.
  void count(Duration held, std::int64_t cost) {
    seen_ = std::min(seen_ + 1, kCalls);
    const double share = 1.0 / static_cast<double>(seen_);
    held_ += (static_cast<double>(std::max(held, Duration::zero()).count()) - held_) * share;
    cost_ += (static_cast<double>(cost) - cost_) * share;
  }
  // Whether enough calls have ended to promise anything.
  [[nodiscard]] bool known() const { return seen_ >= kEnough; }
  // Mean time a call holds its slot; zero before the first one has ended.
  [[nodiscard]] Duration per_call() const { return Duration{static_cast<Duration::rep>(held_)}; }
  // The time in which `slots` work off so much cost. REQUIRES: known().
  [[nodiscard]] Duration time_for(double cost, std::uint32_t slots) const {
    const double calls = cost / std::max(cost_, 1.0);
    const double nanoseconds = calls * held_ / std::max<double>(slots, 1);
    return Duration{static_cast<Duration::rep>(std::min(nanoseconds, kLongest))};
  }
  // How many calls of the usual cost this is.
  [[nodiscard]] double calls_for(double cost) const { return cost / std::max(cost_, 1.0); }

 private:
  static constexpr std::uint32_t kCalls = 64;
  static constexpr std::uint32_t kEnough = 8;
  static constexpr double kLongest = 1e15;  // eleven days: beyond, only "for ever" is meant
  double held_ = 0;
  double cost_ = 0;
  std::uint32_t seen_ = 0;
};

}  // namespace intragate::qos

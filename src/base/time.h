// Time as the gateway uses it: a monotonic clock for waits, a wall clock for people and records, absolute deadlines.
// Code that decides takes `TimePoint now` as a parameter; only loops and borders read a clock.
#pragma once

#include <algorithm>
#include <chrono>

namespace intragate {

using Duration = std::chrono::nanoseconds;
using MonotonicClock = std::chrono::steady_clock;
using TimePoint = std::chrono::time_point<MonotonicClock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

// A moment after which waiting is pointless. Absolute, so it can be handed down and only ever shortened; by default
// never.
class Deadline {
 public:
  constexpr Deadline() = default;
  constexpr explicit Deadline(TimePoint at) : at_{at} {}
  // `now + limit`; a limit of zero or less means no deadline.
  static constexpr Deadline in(TimePoint now, Duration limit) {
    return limit <= Duration::zero() ? Deadline{} : Deadline{now + limit};
  }

  constexpr bool reached(TimePoint now) const { return now >= at_; }
  constexpr bool never() const { return at_ == TimePoint::max(); }
  constexpr TimePoint at() const { return at_; }
  constexpr Deadline earlier(Deadline other) const { return Deadline{std::min(at_, other.at_)}; }
  friend constexpr bool operator==(Deadline, Deadline) = default;

 private:
  TimePoint at_ = TimePoint::max();
};

}  // namespace intragate

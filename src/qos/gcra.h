// Gcra: a rate that slides: so many in a period, filling up again evenly, without a burst when a minute begins. What is
// taken may be corrected later: tokens are reserved by an estimate.
// Owner: a counter of LimitTable. Thread: one at a time. Does not: read clocks, know who is counted.
// Rule: generic cell rate algorithm (ITU-T I.371), virtual scheduling, with costs. All state is the moment when
// everything is available again, so that a changed rate goes on from there. One who was idle for a period may take the
// whole limit at once; after that what it took comes back at limit/period.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace intragate::qos {

struct Rate {
  std::uint64_t limit = 1;  // ≥ 1
  Duration period = std::chrono::minutes{1};
};

class Gcra {
 public:
  // Whether so much may be taken. More than the whole limit may be when nothing has been taken: else it never could.
  [[nodiscard]] bool fits(Rate rate, std::uint64_t cost, TimePoint now) const {
    return debt(now) + time_of(rate, std::min(cost, rate.limit)) <= rate.period;
  }
  // REQUIRES: fits().
  void take(Rate rate, std::uint64_t cost, TimePoint now) { correct(rate, static_cast<std::int64_t>(cost), now); }
  // Takes more, or gives back. Never refuses: what was used was used, and is owed, so that in the long run nobody gets
  // more than the rate by calls that turn out longer than estimated. kLongest periods at most: no mistake locks anybody
  // out for ever. Nothing is saved up beyond the limit.
  void correct(Rate rate, std::int64_t more, TimePoint now) {
    const auto amount = static_cast<std::uint64_t>(more < 0 ? -more : more);
    const Duration time = time_of(rate, std::min(amount, kLongest * rate.limit));
    const Duration left = more < 0 ? debt(now) - time : debt(now) + time;
    full_at_ = now + std::clamp(left, Duration::zero(), kLongest * rate.period);
  }

  // What could be taken now; 0 … limit.
  [[nodiscard]] std::uint64_t remaining(Rate rate, TimePoint now) const {
    const Duration free = rate.period - debt(now);
    if (free <= Duration::zero()) return 0;
    return scaled(nanoseconds(free), rate.limit, nanoseconds(rate.period));
  }
  // How long until the whole limit is there again.
  [[nodiscard]] Duration reset(TimePoint now) const { return debt(now); }
  // How long until so much fits; zero: now.
  [[nodiscard]] Duration retry_after(Rate rate, std::uint64_t cost, TimePoint now) const {
    const Duration missing = debt(now) + time_of(rate, std::min(cost, rate.limit)) - rate.period;
    return std::max(missing, Duration::zero());
  }
  // Nothing is owed: this is as good as a new one.
  [[nodiscard]] bool idle(TimePoint now) const { return full_at_ <= now; }

 private:
  static constexpr std::uint32_t kLongest = 60;
  [[nodiscard]] static std::uint64_t nanoseconds(Duration time) { return static_cast<std::uint64_t>(time.count()); }
  // a · b / c without overflow; the wide division is slow, and rarely needed.
  [[nodiscard]] static std::uint64_t scaled(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
    __extension__ using Wide = unsigned __int128;
    std::uint64_t product = 0;
    if (!__builtin_mul_overflow(a, b, &product)) return product / c;
    return static_cast<std::uint64_t>(static_cast<Wide>(a) * b / c);
  }
  [[nodiscard]] Duration debt(TimePoint now) const { return std::max(full_at_ - now, Duration::zero()); }
  // Rounded down: the whole limit always fits into the period.
  [[nodiscard]] static Duration time_of(Rate rate, std::uint64_t amount) {
    return Duration{static_cast<Duration::rep>(scaled(nanoseconds(rate.period), amount, rate.limit))};
  }

  TimePoint full_at_{};
};

}  // namespace intragate::qos

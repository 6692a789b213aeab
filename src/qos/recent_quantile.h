// A quantile of recent durations: a histogram on a logarithmic scale whose weights fade, by half in 10 minutes and by
// half with every 700 newer values, so that it follows busy models within minutes and still knows quiet ones.
// Owner: pipeline/first_bytes.h. Thread: one call at a time. Does not: read clocks, allocate.
// Rule: from 1 ms to 10 min in steps of 8 %; the answer is a step's upper end. Fewer than 20 values say nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/time.h"

namespace intragate::qos {

class RecentQuantile {
 public:
  void count(Duration value, TimePoint now) {
    const double elapsed = std::max(0.0, seconds(now - last_));
    // Instead of making all that is there lighter, what comes is made heavier.
    weight_ *= std::exp2(elapsed / kHalfLife) * kPerValue;
    last_ = std::max(last_, now);
    if (!(weight_ < kHeavy)) rescale();
    steps_[step_of(value)] += weight_;
    total_ += weight_;
  }

  // Nothing: not enough is known. 0 < share < 1.
  [[nodiscard]] std::optional<Duration> value(double share, TimePoint now) const {
    const double elapsed = std::max(0.0, seconds(now - last_));
    if (total_ / weight_ < kEnough * std::exp2(elapsed / kHalfLife)) return std::nullopt;
    double below = 0;
    for (std::size_t i = 0; i < kSteps; ++i) {
      below += steps_[i];
      if (below >= total_ * share) return upper_end(i);
    }
    return upper_end(kSteps - 1);
  }

 private:
  static constexpr std::size_t kSteps = 174;
  static constexpr double kStep = 1.08;
  static constexpr double kHalfLife = 600;    // seconds
  static constexpr double kPerValue = 1.001;  // half after 700 values
  static constexpr double kEnough = 19.5;     // 20 values weigh a little less
  static constexpr double kHeavy = 1e100;

  static double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }
  static std::size_t step_of(Duration value) {
    const double ms = seconds(value) * 1000;
    if (ms <= 1) return 0;
    return std::min(static_cast<std::size_t>(std::log(ms) / std::log(kStep)), kSteps - 1);
  }
  static Duration upper_end(std::size_t step) {
    const double ms = std::pow(kStep, static_cast<double>(step + 1));
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(ms));
  }
  void rescale() {
    const bool forgotten = !std::isfinite(weight_);  // so long ago that nothing of it counts
    for (double& step : steps_) step = forgotten ? 0 : step / weight_;
    total_ = forgotten ? 0 : total_ / weight_;
    weight_ = 1;
  }

  std::array<double, kSteps> steps_{};
  double total_ = 0;
  double weight_ = 1;  // of the newest value
  TimePoint last_{};
};

}  // namespace intragate::qos

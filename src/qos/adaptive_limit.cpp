#include "qos/adaptive_limit.h"

#include <algorithm>
#include <cmath>

namespace intragate::qos {
namespace {

constexpr double kTolerance = 2.0;
constexpr double kStep = 0.2;
constexpr double kLookStep = 0.5;  // what a look is for, and it comes seldom
constexpr double kOverload = 0.7;
constexpr double kNearlyUsed = 0.8;        // of the limit in flight: then it may grow
constexpr std::uint32_t kSamples = 16;     // at least, in a window
constexpr std::uint32_t kLookSamples = 8;  // in that of a look, which costs
constexpr double kPromptBase = 256;        // tokens: the part of the first-byte time that no prompt explains
constexpr double kQuiet = 0.25;
constexpr Duration kQuietAge = std::chrono::minutes{10};
constexpr Duration kFirstLook = std::chrono::minutes{1};  // after a start under load: nothing quiet was seen yet
constexpr Duration kLook = std::chrono::minutes{1};
constexpr Duration kReducePause = std::chrono::seconds{5};

double ratio(double quiet, double now) {
  return quiet > 0 && now > 0 ? kTolerance * quiet / now : 1;
}

void mix(double& into, double value, double share) {
  if (value > 0) into = into > 0 ? into + share * (value - into) : value;
}

}  // namespace

AdaptiveLimit::AdaptiveLimit(const AdaptiveBounds& bounds)
    : bounds_{.min = std::max(bounds.min, 1U),
              .max = std::max({bounds.max, bounds.min, 1U}),
              .initial = bounds.initial},
      limit_{clamped(bounds.initial)} {}

std::uint32_t AdaptiveLimit::limit(TimePoint now) const {
  const double wanted = looking(now) ? clamped(quiet_limit()) : limit_;
  return static_cast<std::uint32_t>(wanted);
}

// The limit settles where it is kTolerance · knee + √limit, the knee being what the endpoint does at full pace: this is
// half the knee.
double AdaptiveLimit::quiet_limit() const {
  return (limit_ - std::sqrt(limit_)) * kQuiet;
}

double AdaptiveLimit::clamped(double limit) const {
  return std::clamp<double>(limit, bounds_.min, bounds_.max);
}

void AdaptiveLimit::count(const PaceSample& sample, TimePoint now) {
  if (!started_) quiet_at_ = now - (kQuietAge - kFirstLook);
  started_ = true;
  if (looking(now) && sample.in_flight > limit(now)) return;  // calls from before are still on their way
  window_.most_in_flight = std::max(window_.most_in_flight, sample.in_flight);
  if (sample.first_byte > Duration::zero()) {
    window_.first_bytes += static_cast<double>(sample.first_byte.count());
    window_.prompts += static_cast<double>(sample.prompt_tokens) + kPromptBase;
  }
  if (sample.between_tokens > Duration::zero()) {
    window_.gaps += static_cast<double>(sample.between_tokens.count());
    ++window_.gap_samples;
  }
  const std::uint32_t enough = looking(now) ? kLookSamples : std::max(kSamples, limit(now));
  if (++window_.samples >= enough) close_window(now);
}

void AdaptiveLimit::close_window(TimePoint now) {
  const Window seen = window_;
  window_ = {};
  const Pace pace{.first_byte = seen.prompts > 0 ? seen.first_bytes / seen.prompts : 0,
                  .between = seen.gap_samples > 0 ? seen.gaps / seen.gap_samples : 0};
  const bool quiet = seen.most_in_flight <= std::max(1.0, quiet_limit());
  learn_quiet(pace, quiet, now);
  if (looking(now)) {
    look_until_ = now;  // seen: back to work
    return;
  }
  const double gradient =
      std::clamp(std::min(ratio(quiet_.first_byte, pace.first_byte), ratio(quiet_.between, pace.between)), 0.5, 1.0);
  const double target = limit_ * gradient + std::sqrt(limit_);
  const bool may_grow = !held_ && seen.most_in_flight >= kNearlyUsed * limit_;
  if (target < limit_ || may_grow) limit_ = clamped(limit_ + kStep * (target - limit_));
  if (!quiet && now - quiet_at_ > kQuietAge && limit_ > bounds_.min) {
    quiet_at_ = now;
    look_until_ = now + kLook;  // long answers from before end first
  }
}

// A better pace than the quiet one is taken from any window, a worse one from quiet windows only.
void AdaptiveLimit::learn_quiet(const Pace& pace, bool quiet, TimePoint now) {
  if (quiet) quiet_at_ = now;
  const double share = looking(now) ? kLookStep : kStep;
  if (quiet || pace.first_byte < quiet_.first_byte || quiet_.first_byte == 0)
    mix(quiet_.first_byte, pace.first_byte, share);
  if (quiet || pace.between < quiet_.between || quiet_.between == 0) mix(quiet_.between, pace.between, share);
}

void AdaptiveLimit::set_max(std::uint32_t max) {
  bounds_.max = std::max(max, bounds_.min);
  limit_ = clamped(limit_);
}

void AdaptiveLimit::overloaded(TimePoint now) {
  if (started_ && now - reduced_at_ < kReducePause) return;
  started_ = true;
  reduced_at_ = now;
  limit_ = clamped(limit_ * kOverload);
  window_ = {};
}

}  // namespace intragate::qos

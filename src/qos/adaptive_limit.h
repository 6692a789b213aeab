// AdaptiveLimit: `max_concurrency: auto`: how many calls an endpoint works on at once before it gets slow, found while
// it works.
// Owner: an endpoint. Thread: one call at a time. Does not: read clocks, hold slots: its owner hands the limit on.
// Rule:  a gradient as in Netflix's concurrency-limits (Gradient2) and Envoy's adaptive concurrency, after each window:
//          pace     = first-byte time per prompt token, and time between tokens, each as the mean of its samples
//          gradient = the worse of kTolerance · quiet pace / pace, within 0.5 … 1
//          limit    = limit + kStep · (limit · gradient + √limit − limit)
//        so it grows by about √limit/5 a window while the pace is good, and stops where calls take about twice as long
//        as on a quiet endpoint. It grows only if the limit was nearly used. The quiet pace is learnt in windows with
//        at most (limit − √limit) / 4 in flight. After ten minutes without one (one minute, the first time) the limit
//        is that for at most a minute, to see it again: else an endpoint that is slower for good (another model) would
//        be held down for ever, and one that was busy from the start would pass for slow.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace intragate::qos {

struct AdaptiveBounds {
  std::uint32_t min = 1;
  std::uint32_t max = 256;
  std::uint32_t initial = 8;
};

// What a call showed of its endpoint's pace.
struct PaceSample {
  Duration first_byte{};  // from sending to the first byte of the answer; zero: unknown
  std::uint64_t prompt_tokens = 0;
  Duration between_tokens{};    // mean over the answer; zero: unknown, or one token only
  std::uint32_t in_flight = 1;  // at the endpoint at that moment, this call included
};

class AdaptiveLimit {
 public:
  explicit AdaptiveLimit(const AdaptiveBounds& bounds);

  // The limit that holds now.
  [[nodiscard]] std::uint32_t limit(TimePoint now) const;
  void count(const PaceSample& sample, TimePoint now);
  // The endpoint said that it has too much to do (429, 503) or did not answer in time: down to 70 %, at most once in
  // five seconds.
  void overloaded(TimePoint now);

  // Another upper bound, at least the lower one.
  void set_max(std::uint32_t max);
  // Until it is taken back the limit does not grow: the endpoint itself says that it has enough to do.
  void hold(bool held) { held_ = held; }

 private:
  // The mean pace over some samples; 0 where nothing is known.
  struct Pace {
    double first_byte = 0;
    double between = 0;
  };
  struct Window {
    std::uint32_t samples = 0;
    std::uint32_t most_in_flight = 0;
    double first_bytes = 0;
    double prompts = 0;
    double gaps = 0;
    std::uint32_t gap_samples = 0;
  };
  [[nodiscard]] bool looking(TimePoint now) const { return now < look_until_; }
  [[nodiscard]] double quiet_limit() const;
  [[nodiscard]] double clamped(double limit) const;
  void close_window(TimePoint now);
  void learn_quiet(const Pace& pace, bool quiet, TimePoint now);

  AdaptiveBounds bounds_;
  double limit_;
  Pace quiet_;
  Window window_;
  TimePoint quiet_at_{};  // when the quiet pace was last seen
  TimePoint look_until_{};
  TimePoint reduced_at_{};
  bool started_ = false;
  bool held_ = false;
};

}  // namespace intragate::qos

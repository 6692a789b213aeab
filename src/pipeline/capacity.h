// How many calls an endpoint works on at once: as configured, or found while it works (`max_concurrency: auto`).
// Owner: the lanes that have the endpoint; it survives a reload that leaves model and URL as they are.
// Thread: any; what is found stands behind a mutex that is held for the length of a call, once or twice for each call
// and never for a piece of an answer. Does not: read clocks, hold slots (a lane's Gate does), ask the engine
// (app/engine_watch.h does).
// Rule: qos/adaptive_limit.h. Begins at 8, never below 1 nor above 1024, or the slots that the engine says it has.
#pragma once

#include <cstdint>
#include <mutex>

#include "config/config.h"
#include "qos/adaptive_limit.h"
#include "qos/claim.h"

namespace intragate::pipeline {

// What is known of an answer that came to its good end.
struct AnswerTimes {
  bool stream = false;
  bool held_up = false;      // the client was slower than the model, which then had to wait
  Duration first_byte{};     // from sending to the first event of a stream, the head of another answer
  Duration last_event{};     // streams: from sending to the last event with content
  Duration whole{};          // from sending to its end
  std::uint64_t prompt = 0;  // tokens
  std::uint64_t answer = 0;  // tokens; 0: none, or nobody counted
};
// What an answer says about its endpoint's pace, `in_flight` left open. A stream's first byte is not in it: that was
// told when it came. An answer in one piece is one time: if it is long, that of its tokens, else that of its prompt.
[[nodiscard]] qos::PaceSample pace_of(const AnswerTimes& times);

// What an engine says about itself (dialect/engine_load.h).
struct EngineHint {
  bool strained = false;    // calls wait within the engine, or its cache is nearly full
  std::uint32_t slots = 0;  // calls it works on at most; 0: it does not say
};

class Capacity {
 public:
  // `configured`: config::Endpoint::max_concurrency.
  explicit Capacity(std::uint32_t configured) : configured_{configured} {}

  [[nodiscard]] bool automatic() const { return configured_ == config::kAutoConcurrency; }
  [[nodiscard]] std::uint32_t configured() const { return configured_; }
  // Calls at once now; kUnlimitedSlots where none are configured.
  [[nodiscard]] std::uint32_t slots(TimePoint now) const;

  // Where `automatic()`; samples that say nothing are left out.
  void count(const qos::PaceSample& sample, TimePoint now);
  void overloaded(TimePoint now);
  // The engine was asked. Strained twice in a row: no growth until it no longer is.
  void take(const EngineHint& hint);

 private:
  static constexpr qos::AdaptiveBounds kBounds{.min = 1, .max = 1024, .initial = 8};

  std::uint32_t configured_;
  mutable std::mutex mutex_;
  qos::AdaptiveLimit found_{kBounds};
  bool strained_ = false;
};

}  // namespace intragate::pipeline

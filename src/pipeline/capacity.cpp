#include "pipeline/capacity.h"

#include "qos/scheduler.h"

namespace intragate::pipeline {
namespace {

constexpr std::uint64_t kLong = 32;  // tokens of an answer, from which on reading the prompt matters little

}  // namespace

qos::PaceSample pace_of(const AnswerTimes& times) {
  qos::PaceSample sample;
  sample.prompt_tokens = times.prompt;
  if (times.stream) {
    if (times.held_up || times.answer < 2 || times.last_event <= times.first_byte) return sample;
    sample.between_tokens = (times.last_event - times.first_byte) / static_cast<std::int64_t>(times.answer - 1);
  } else if (times.answer >= kLong) {
    sample.between_tokens = times.whole / static_cast<std::int64_t>(times.answer);
  } else {
    sample.first_byte = times.whole;
  }
  return sample;
}

std::uint32_t Capacity::slots(TimePoint now) const {
  if (configured_ == 0) return qos::kUnlimitedSlots;
  if (!automatic()) return configured_;
  const std::lock_guard lock{mutex_};
  return found_.limit(now);
}

void Capacity::count(const qos::PaceSample& sample, TimePoint now) {
  if (sample.first_byte <= Duration::zero() && sample.between_tokens <= Duration::zero()) return;
  const std::lock_guard lock{mutex_};
  found_.count(sample, now);
}

void Capacity::overloaded(TimePoint now) {
  const std::lock_guard lock{mutex_};
  found_.overloaded(now);
}

void Capacity::take(const EngineHint& hint) {
  const std::lock_guard lock{mutex_};
  found_.hold(hint.strained && strained_);
  strained_ = hint.strained;
  found_.set_max(hint.slots > 0 ? hint.slots : kBounds.max);
}

}  // namespace intragate::pipeline

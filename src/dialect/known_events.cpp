#include "dialect/known_events.h"

#include <utility>

namespace intragate::dialect {
namespace {

constexpr std::size_t kMost = 8;
constexpr std::uint32_t kMostMisses = 10'000;

}  // namespace

const KnownEvents::Known* KnownEvents::find(std::string_view data, std::uint8_t& first) {
  for (std::size_t tried = 0; tried < known_.size(); ++tried) {
    const std::size_t place = (first + tried) % known_.size();
    Known& known = known_[place];
    const std::optional<JsonShape::Counts> counts = known.shape.fits(data);
    if (!counts) continue;
    first = static_cast<std::uint8_t>(place);
    if (known.facts.usage) {
      known.facts.usage->prompt_tokens = counts->prompt_tokens;
      known.facts.usage->completion_tokens = counts->completion_tokens;
    }
    return &known;
  }
  return nullptr;
}

void KnownEvents::learn(std::string_view data, const openai::EventFacts& facts, const openai::Mender::Trace& trace) {
  if (!trace.usual || facts.done || facts.error || misses_ == kMostMisses) return;
  std::optional<JsonShape> shape = JsonShape::of(data);
  if (!shape || shape->counts() != facts.usage.has_value()) return;
  Known fresh{*std::move(shape), facts, trace, openai::says_finished(data)};
  fresh.facts.text = {};
  if (known_.size() < kMost) return known_.push_back(std::move(fresh));
  ++misses_;
  known_[oldest_] = std::move(fresh);
  oldest_ = (oldest_ + 1) % kMost;
}

}  // namespace intragate::dialect

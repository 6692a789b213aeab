#include "dialect/known_events.h"

#include <algorithm>
#include <utility>

namespace intragate::dialect {
namespace {

constexpr std::size_t kMost = 8;
constexpr std::uint32_t kMostMisses = 10'000;

// Whether the counts stand where they are looked for.
bool has_usage(const JsonShape& shape, std::string_view data, const std::optional<llm::Usage>& usage) {
  if (!usage || !shape.counts()) return shape.counts() == usage.has_value();
  const std::optional<JsonShape::Counts> found = shape.fits(data);
  return found && found->prompt_tokens == usage->prompt_tokens && found->completion_tokens == usage->completion_tokens;
}

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
  const auto fits = [data](const Known& known) { return known.shape.fits(data).has_value(); };
  if (std::any_of(known_.begin(), known_.end(), fits)) return;  // its stream had to look at it all the same
  std::optional<JsonShape> shape = JsonShape::of(data);
  if (!shape || !has_usage(*shape, data, facts.usage)) {
    ++misses_;
    return;
  }
  Known fresh{*std::move(shape), facts, trace, openai::says_finished(data)};
  fresh.facts.text = {};
  if (known_.size() < kMost) return known_.push_back(std::move(fresh));
  ++misses_;
  known_[oldest_] = std::move(fresh);
  oldest_ = (oldest_ + 1) % kMost;
}

}  // namespace intragate::dialect

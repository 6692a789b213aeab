#include "dialect/known_answers.h"

#include <utility>

namespace intragate::dialect {
namespace {

constexpr std::size_t kMost = 4;

llm::Usage usage_of(const JsonShape::Counts& counts) {
  return {counts.prompt_tokens, counts.completion_tokens, llm::UsageSource::upstream};
}

}  // namespace

std::optional<llm::Usage> KnownAnswers::usage_in(llm::Api api, std::string_view body) const {
  for (const Known& known : known_) {
    if (known.api != api) continue;
    const std::optional<JsonShape::Counts> counts = known.shape.fits(body);
    if (counts) return usage_of(*counts);
  }
  return std::nullopt;
}

void KnownAnswers::learn(llm::Api api, std::string_view body, const llm::Usage& usage) {
  std::optional<JsonShape> shape = JsonShape::of(body);
  if (!shape || !shape->counts()) return;
  // Counts that are not where they are looked for: it does not know its own answer.
  const llm::Usage found = usage_of(*shape->fits(body));
  if (found.prompt_tokens != usage.prompt_tokens || found.completion_tokens != usage.completion_tokens) return;
  if (known_.size() < kMost) return known_.push_back({api, *std::move(shape)});
  known_[oldest_] = {api, *std::move(shape)};
  oldest_ = (oldest_ + 1) % kMost;
}

}  // namespace intragate::dialect

#include "upstream/choice.h"

#include <algorithm>
#include <cmath>

namespace intragate::upstream {
namespace {

// An endpoint that fails at once has nothing in flight and would draw all calls: each failure counts as so many calls.
constexpr std::uint64_t kCallsPerFailure = 4;

// Lower is better; `out` never gets here.
int rank(const Candidate& candidate) {
  return (candidate.standing == Standing::cooling ? 2 : 0) + (candidate.tried ? 1 : 0);
}

std::uint64_t load(const Candidate& candidate) {
  return candidate.in_flight + kCallsPerFailure * candidate.recent_failures + 1;  // 1: the call to be placed
}

// Compares load/weight without division.
bool busier(const Candidate& a, const Candidate& b) {
  return load(a) * b.weight > load(b) * a.weight;
}

}  // namespace

std::optional<std::size_t> Choice::pick(std::span<const Candidate> candidates, double chance) {
  eligible_.clear();
  int best = 4;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].standing == Standing::out || rank(candidates[i]) > best) continue;
    if (rank(candidates[i]) < best) eligible_.clear();
    best = rank(candidates[i]);
    eligible_.push_back(i);
  }
  if (eligible_.empty()) return std::nullopt;
  if (candidates[eligible_.front()].standing == Standing::cooling) {
    return *std::min_element(eligible_.begin(), eligible_.end(), [&](std::size_t a, std::size_t b) {
      return candidates[a].cools_until < candidates[b].cools_until;
    });
  }
  return balance_ == config::Balance::least_busy ? least_busy(candidates, chance) : round_robin(candidates);
}

// Among equals the first one from a random place on, so that idle endpoints share the work and loops do not move in
// step.
std::size_t Choice::least_busy(std::span<const Candidate> candidates, double chance) const {
  const std::size_t count = eligible_.size();
  const auto first = std::min(static_cast<std::size_t>(chance * static_cast<double>(count)), count - 1);
  std::size_t best = eligible_[first];
  for (std::size_t step = 1; step < count; ++step) {
    const std::size_t other = eligible_[(first + step) % count];
    if (busier(candidates[best], candidates[other])) best = other;
  }
  return best;
}

// Each eligible endpoint earns its weight; the richest is picked and pays for all. Those left out keep what they have.
std::size_t Choice::round_robin(std::span<const Candidate> candidates) {
  credit_.resize(candidates.size(), 0);
  std::int64_t earned = 0;
  std::size_t richest = eligible_.front();
  for (const std::size_t i : eligible_) {
    credit_[i] += candidates[i].weight;
    earned += candidates[i].weight;
    if (credit_[i] > credit_[richest]) richest = i;
  }
  credit_[richest] -= earned;
  return richest;
}

}  // namespace intragate::upstream

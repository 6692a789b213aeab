#include "upstream/choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"

namespace intragate::upstream {
namespace {

// An endpoint that fails at once has nothing in flight and would draw all calls: each failure counts as so many calls.
constexpr std::uint64_t kCallsPerFailure = 4;

// Lower is better; `out` never gets here.
int rank(const Candidate& candidate) {
  return (candidate.standing == Standing::cooling ? 4 : 0) + (candidate.tried ? 2 : 0) + (candidate.far ? 1 : 0);
}

std::uint64_t load(const Candidate& candidate) {
  return candidate.in_flight + kCallsPerFailure * candidate.recent_failures + 1;  // 1: the call to be placed
}

// Compares load/weight without division.
bool busier(const Candidate& a, const Candidate& b) {
  return load(a) * b.weight > load(b) * a.weight;
}

// How much a session likes an endpoint: lower is better. The hash as a number in (0, 1), whose logarithm by weight
// makes the endpoint of weight 2 the best for twice as many sessions.
double dislike(const Candidate& candidate, std::uint64_t session) {
  const std::uint64_t hash = fold(session ^ candidate.point, 0x9e3779b97f4a7c15U ^ candidate.point);
  const double unit = (static_cast<double>(hash >> 11) + 0.5) * 0x1.0p-53;
  return -std::log(unit) / candidate.weight;
}

}  // namespace

std::optional<std::size_t> Choice::pick(std::span<const Candidate> candidates, const Draw& draw) {
  eligible_.clear();
  int best = 8;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].standing == Standing::out || rank(candidates[i]) > best) continue;
    if (rank(candidates[i]) < best) eligible_.clear();
    best = rank(candidates[i]);
    eligible_.push_back(i);
  }
  if (eligible_.empty()) return std::nullopt;
  switch (balance_) {
    case config::Balance::round_robin: return round_robin(candidates);
    case config::Balance::session: return by_session(candidates, draw.session);
    case config::Balance::least_busy: break;
  }
  return least_busy(candidates, draw.chance);
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

// One is always below its bound: not all can have more than their part.
std::size_t Choice::by_session(std::span<const Candidate> candidates, std::uint64_t session) const {
  constexpr std::uint64_t kBound = 125;     // percent of the fair part
  constexpr std::uint32_t kAlwaysFree = 4;  // so few calls are no load: while all is quiet sessions stay where they are
  std::uint64_t calls = 1;                  // the one to be placed
  std::uint64_t weights = 0;
  for (const std::size_t i : eligible_) {
    calls += candidates[i].in_flight;
    weights += candidates[i].weight;
  }
  std::size_t best = eligible_.front();
  double least = std::numeric_limits<double>::infinity();
  for (const std::size_t i : eligible_) {
    const Candidate& candidate = candidates[i];
    const bool loaded = candidate.in_flight * weights * 100 >= kBound * calls * candidate.weight;
    if (loaded && candidate.in_flight >= kAlwaysFree) continue;
    const double dislike_now = dislike(candidate, session);
    if (dislike_now < least) {
      least = dislike_now;
      best = i;
    }
  }
  return best;
}

}  // namespace intragate::upstream

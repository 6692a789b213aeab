#include "upstream/health.h"

namespace intragate::upstream {
namespace {

std::int64_t count_of(TimePoint at) {
  return at.time_since_epoch().count();
}

}  // namespace

Evidence evidence_of_status(int status) {
  switch (status) {
    case 429: return Evidence::busy;
    case 401:
    case 403:
    case 408: return Evidence::none;
    default: return status >= 500 ? Evidence::sick : Evidence::healthy;
  }
}

Evidence evidence_of(const Error& error) {
  switch (error.code) {
    case Code::upstream_unreachable:
    case Code::upstream_broke:
    case Code::upstream_malformed:
    case Code::upstream_timeout: return error.retry == Retry::fresh_connection ? Evidence::none : Evidence::sick;
    default: return Evidence::none;
  }
}

void Health::Trial::report(Evidence evidence, TimePoint now) {
  if (health_ == nullptr) return;
  health_->take_in(evidence, now);
  end();
}

void Health::Trial::end() {
  if (health_ != nullptr && probe_) health_->probing_.store(false);
  health_ = nullptr;
  probe_ = false;
}

bool Health::open(TimePoint now) const {
  const std::int64_t until = cools_until_.load();
  return until == kNever || (count_of(now) >= until && !probing_.load());
}

Health::Trial Health::begin(TimePoint now) {
  const std::int64_t until = cools_until_.load();
  const bool due = until != kNever && count_of(now) >= until;
  return Trial{*this, due && !probing_.exchange(true)};
}

std::optional<TimePoint> Health::cools_until() const {
  const std::int64_t until = cools_until_.load();
  if (until == kNever) return std::nullopt;
  return TimePoint{Duration{until}};
}

std::uint32_t Health::recent_failures(TimePoint now) const {
  const std::int64_t at = trouble_at_.load();
  if (at == kNever || count_of(now) - at > policy_.cooldown.count()) return 0;
  return troubles_.load();
}

void Health::take_in(Evidence evidence, TimePoint now) {
  if (evidence == Evidence::none) return;
  if (evidence != Evidence::sick) {
    failures_.store(0);
    cools_until_.store(kNever);
  }
  if (evidence == Evidence::healthy) {
    troubles_.store(0);
    trouble_at_.store(kNever);
    return;
  }
  troubles_.fetch_add(1);
  trouble_at_.store(count_of(now));
  if (evidence == Evidence::busy) return;
  // A probe's failure comes on top of those before it, so one is enough.
  if (failures_.fetch_add(1) + 1 >= policy_.failures) cools_until_.store(count_of(now + policy_.cooldown));
}

}  // namespace intragate::upstream

#include "upstream/health.h"

#include <algorithm>

namespace intragate::upstream {

namespace {

constexpr std::int64_t kLeastShare = 10;  // percent, at the beginning of a slow start

}  // namespace

CallEnd call_end(int status) {
  if (status == 429) return CallEnd::busy;
  if (status >= 500) return CallEnd::failed;
  return status >= 400 ? CallEnd::none : CallEnd::good;
}

CallEnd call_end(const Error& error) {
  switch (error.code) {
    case Code::upstream_unreachable:
    case Code::upstream_broke:
    case Code::upstream_malformed:
    case Code::upstream_timeout: return error.retry == Retry::fresh_connection ? CallEnd::none : CallEnd::failed;
    default: return CallEnd::none;
  }
}

Turn Health::Trial::report(CallEnd how, TimePoint now) {
  if (health_ == nullptr) return Turn::none;
  return std::exchange(health_, nullptr)->end(std::exchange(pass_, Breaker::Pass::none), how, now);
}

Health::Trial::~Trial() {
  // A pass that was none of a probe has nothing to give back.
  if (health_ != nullptr && is_probe()) health_->end(pass_, CallEnd::none, TimePoint{});
}

BreakerState Health::state(TimePoint now) const {
  const std::int64_t until = cools_until_.load(std::memory_order_acquire);
  if (until == kNever) return BreakerState::closed;
  return count_of(now) < until ? BreakerState::open : BreakerState::half_open;
}

bool Health::usable(TimePoint now) const {
  switch (state(now)) {
    case BreakerState::closed: return true;
    case BreakerState::open: return false;
    case BreakerState::half_open: break;
  }
  return probing_.load(std::memory_order_relaxed) < rules_.probes;
}

Health::Trial Health::ask(TimePoint now) {
  if (cools_until_.load(std::memory_order_acquire) == kNever) return {*this, Breaker::Pass::normal};
  const std::lock_guard lock{mutex_};
  const Breaker::Pass pass = breaker_.ask(now);
  publish();
  return pass == Breaker::Pass::none ? Trial{} : Trial{*this, pass};
}

Health::Trial Health::force() {
  if (cools_until_.load(std::memory_order_acquire) == kNever) return {*this, Breaker::Pass::normal};
  const std::lock_guard lock{mutex_};
  const Breaker::Pass pass = breaker_.force();
  publish();
  return {*this, pass};
}

Turn Health::broke(TimePoint now) {
  return end(Breaker::Pass::normal, CallEnd::failed, now);
}

Turn Health::eject(TimePoint now) {
  const std::lock_guard lock{mutex_};
  const Turn turn = breaker_.eject(now);
  publish();
  return turn;
}

Turn Health::end(Breaker::Pass pass, CallEnd how, TimePoint now) {
  if (how == CallEnd::none && pass == Breaker::Pass::normal) return Turn::none;
  const std::lock_guard lock{mutex_};
  const Turn turn = breaker_.end(pass, how, now);
  publish();
  note_trouble(how, now);
  if (turn == Turn::back) warm_up(now);
  return turn;
}

// Written only when it changes: the loops that choose read these.
void Health::publish() {
  const std::int64_t until = breaker_.tripped() ? count_of(breaker_.cools_until()) : kNever;
  if (probing_.load(std::memory_order_relaxed) != breaker_.probing()) {
    probing_.store(breaker_.probing(), std::memory_order_relaxed);
  }
  if (cools_until_.load(std::memory_order_relaxed) != until) cools_until_.store(until, std::memory_order_release);
}

void Health::note_trouble(CallEnd how, TimePoint now) {
  if (how == CallEnd::none) return;
  if (how == CallEnd::failed || how == CallEnd::busy) {
    troubles_.fetch_add(1, std::memory_order_relaxed);
    trouble_at_.store(count_of(now), std::memory_order_relaxed);
  } else if (troubles_.load(std::memory_order_relaxed) != 0) {
    troubles_.store(0, std::memory_order_relaxed);
  }
}

std::uint32_t Health::recent_failures(TimePoint now) const {
  const std::uint32_t troubles = troubles_.load(std::memory_order_relaxed);
  if (troubles == 0) return 0;
  return count_of(now) - trouble_at_.load(std::memory_order_relaxed) > rules_.cooldown.count() ? 0 : troubles;
}

CallRates Health::rates(TimePoint now) const {
  const std::lock_guard lock{mutex_};
  return breaker_.rates(now);
}

std::uint32_t Health::share(TimePoint now) const {
  const std::int64_t from = warm_from_.load(std::memory_order_relaxed);
  if (from == kNever) return 100;
  const std::int64_t elapsed = std::max<std::int64_t>(count_of(now) - from, 0);
  if (elapsed >= rules_.slow_start.count()) return 100;
  return static_cast<std::uint32_t>(std::max(elapsed * 100 / rules_.slow_start.count(), kLeastShare));
}

}  // namespace intragate::upstream

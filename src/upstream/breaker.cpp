#include "qos/breaker.h"

#include <algorithm>

namespace intragate::qos {

Breaker::Pass Breaker::ask(TimePoint now) {
  return would_pass(now) ? force(now) : Pass::none;
}

Breaker::Pass Breaker::force(TimePoint now) {
  if (state(now) != BreakerState::half_open) return Pass::normal;
  ++probing_;
  return Pass::probe;
}

bool Breaker::would_pass(TimePoint now) const {
  switch (state(now)) {
    case BreakerState::closed: return true;
    case BreakerState::half_open: return probing_ < rules_.probes;
    case BreakerState::open: break;
  }
  return false;
}

BreakerState Breaker::state(TimePoint now) const {
  if (!tripped_) return BreakerState::closed;
  return now < cools_until_ ? BreakerState::open : BreakerState::half_open;
}

void Breaker::end(Pass pass, CallEnd how, TimePoint now) {
  if (pass == Pass::none) return;
  if (pass == Pass::probe) --probing_;
  if (how == CallEnd::none) return;
  count(how, now);
  if (tripped_) {
    // Calls from before the cool-down, or forced ones, decide nothing: they say what is known already.
    if (pass == Pass::probe && state(now) == BreakerState::half_open) probe_ended(how, now);
  } else if (too_bad(now)) {
    open(now);
  }
}

void Breaker::probe_ended(CallEnd how, TimePoint now) {
  if (how == CallEnd::failed) {
    cooldown_ = std::min(cooldown_ * 2, rules_.max_cooldown);
    open(now);
  } else if (++good_probes_ >= rules_.probes) {
    close();
  }
}

void Breaker::open(TimePoint now) {
  tripped_ = true;
  good_probes_ = 0;
  cools_until_ = now + cooldown_;
}

// What was before is over: the window begins anew, or the old failures would open it again at once.
void Breaker::close() {
  tripped_ = false;
  good_probes_ = 0;
  failures_in_row_ = 0;
  cooldown_ = rules_.cooldown;
  parts_ = {};
}

bool Breaker::too_bad(TimePoint now) const {
  if (rules_.consecutive != 0 && failures_in_row_ >= rules_.consecutive) return true;
  const CallRates seen = rates(now);
  if (seen.calls < std::max(rules_.min_calls, 1U)) return false;
  return seen.error_percent() >= rules_.error_percent || seen.slow_percent() >= rules_.slow_percent;
}

std::int64_t Breaker::part_number(TimePoint now) const {
  const Duration part = std::max<Duration>(rules_.window / kParts, Duration{1});
  return now.time_since_epoch() / part;
}

void Breaker::count(CallEnd how, TimePoint now) {
  failures_in_row_ = how == CallEnd::failed ? failures_in_row_ + 1 : 0;
  const std::int64_t number = part_number(now);
  Part& part = parts_[static_cast<std::size_t>(number) % kParts];
  if (part.number != number) part = {.number = number, .rates = {}};
  ++part.rates.calls;
  if (how == CallEnd::failed) ++part.rates.failed;
  if (how == CallEnd::slow) ++part.rates.slow;
}

CallRates Breaker::rates(TimePoint now) const {
  const std::int64_t present = part_number(now);
  CallRates sum;
  for (const Part& part : parts_) {
    if (part.number < 0 || part.number <= present - static_cast<std::int64_t>(kParts)) continue;
    sum.calls += part.rates.calls;
    sum.failed += part.rates.failed;
    sum.slow += part.rates.slow;
  }
  return sum;
}

}  // namespace intragate::qos

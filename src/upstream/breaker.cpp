#include "upstream/breaker.h"

#include <algorithm>

namespace intragate::upstream {
namespace {

bool is_bad(CallEnd how) {
  return how == CallEnd::failed || how == CallEnd::slow;
}

}  // namespace

std::string_view state_name(BreakerState state) {
  constexpr std::array<std::string_view, 3> kNames{"closed", "open", "half_open"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view turn_name(Turn turn) {
  constexpr std::array<std::string_view, 7> kNames{"none",      "back",    "failures", "error_rate",
                                                   "slow_rate", "outlier", "probe"};
  return kNames[static_cast<std::size_t>(turn)];
}

Breaker::Pass Breaker::ask(TimePoint now) {
  switch (state(now)) {
    case BreakerState::closed: return Pass::normal;
    case BreakerState::open: return Pass::none;
    case BreakerState::half_open: break;
  }
  return probing_ < rules_.probes ? force() : Pass::none;
}

Breaker::Pass Breaker::force() {
  if (!tripped_ || probing_ >= rules_.probes) return Pass::normal;
  ++probing_;
  return Pass::probe;
}

BreakerState Breaker::state(TimePoint now) const {
  if (!tripped_) return BreakerState::closed;
  return now < cools_until_ ? BreakerState::open : BreakerState::half_open;
}

Turn Breaker::end(Pass pass, CallEnd how, TimePoint now) {
  if (pass == Pass::none) return Turn::none;
  if (pass == Pass::probe) --probing_;
  if (how == CallEnd::none) return Turn::none;
  count(how, now);
  // Calls from before the cool-down, and forced ones beyond the probes, decide nothing: they say what is known already.
  if (tripped_) return pass == Pass::probe ? probe_ended(how, now) : Turn::none;
  if (!is_bad(how)) return Turn::none;  // the common end; it makes no rate worse
  const Turn turn = too_bad(now);
  if (opened(turn)) open(now);
  return turn;
}

Turn Breaker::eject(TimePoint now) {
  if (tripped_) return Turn::none;
  open(now);
  return Turn::outlier;
}

Turn Breaker::probe_ended(CallEnd how, TimePoint now) {
  if (is_bad(how)) {
    if (state(now) != BreakerState::half_open) return Turn::none;  // forced; it is open anyway
    cooldown_ = std::min(cooldown_ * 2, std::max(rules_.max_cooldown, rules_.cooldown));
    open(now);
    return Turn::probe;
  }
  if (++good_probes_ < rules_.probes) return Turn::none;
  close();
  return Turn::back;
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

Turn Breaker::too_bad(TimePoint now) const {
  if (failures_in_row_ >= rules_.failures) return Turn::failures;
  const CallRates seen = rates(now);
  if (seen.calls < rules_.min_calls) return Turn::none;
  if (seen.error_percent() >= rules_.error_percent) return Turn::error_rate;
  return seen.slow_percent() >= rules_.slow_percent ? Turn::slow_rate : Turn::none;
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

}  // namespace intragate::upstream

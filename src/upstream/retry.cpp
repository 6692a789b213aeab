#include "upstream/retry.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "base/time_text.h"

namespace intragate::upstream {
namespace {

constexpr Duration kLongestRetryAfter = std::chrono::hours{24};

RetryPlan give_up(WhyNot reason) {
  return {.next = NextAttempt::none, .pause = {}, .reason = reason};
}

}  // namespace

bool retryable_status(int status) {
  constexpr std::array kStatuses{408, 429, 500, 502, 503, 504};
  return std::find(kStatuses.begin(), kStatuses.end(), status) != kStatuses.end();
}

std::optional<Duration> parse_retry_after(std::string_view value, WallTime now) {
  value = text::trim(value);
  if (const auto seconds = text::parse_unsigned(value)) {
    const auto limit = std::chrono::duration_cast<std::chrono::seconds>(kLongestRetryAfter).count();
    return std::chrono::seconds{std::min<std::uint64_t>(*seconds, static_cast<std::uint64_t>(limit))};
  }
  const std::optional<WallTime> at = parse_http_date(value);
  if (!at) return std::nullopt;
  return std::clamp<Duration>(*at - now, Duration::zero(), kLongestRetryAfter);
}

Duration backoff(const config::RetryPolicy& policy, std::uint32_t retries, double chance) {
  const double grown = static_cast<double>(policy.backoff.count()) * std::exp2(std::min(retries, 30U));
  const double longest = std::min(grown, static_cast<double>(policy.max_backoff.count()));
  return Duration{static_cast<Duration::rep>(longest * chance)};
}

RetryBudget::Second& RetryBudget::second(TimePoint now) {
  const auto at = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
  Second& slot = seconds_[static_cast<std::size_t>(at % kSeconds)];
  if (slot.at != at) slot = {.at = at};
  return slot;
}

void RetryBudget::count_call(TimePoint now) {
  ++second(now).calls;
}

bool RetryBudget::take(TimePoint now) {
  Second& current = second(now);
  std::uint64_t calls = 0;
  std::uint64_t retries = 0;
  for (const Second& slot : seconds_) {
    if (slot.at < 0 || slot.at <= current.at - kSeconds) continue;
    calls += slot.calls;
    retries += slot.retries;
  }
  if (retries >= std::max(kFloor, calls * percent_ / 100)) return false;
  ++current.retries;
  return true;
}

std::string_view why_not_name(WhyNot reason) {
  constexpr std::array<std::string_view, 5> kNames{"pointless", "attempts", "retry_after", "deadline", "budget"};
  return kNames[static_cast<std::size_t>(reason)];
}

RetryPlan plan_retry(const config::RetryPolicy& policy, const FailedAttempt& failed, const RetryMoment& moment,
                     RetryBudget& budget) {
  if (failed.retry == Retry::never) return give_up(WhyNot::pointless);
  // A pooled connection that died at reuse says nothing about the endpoint, which never saw the call: no pause, no
  // budget.
  if (failed.retry == Retry::fresh_connection) return {.next = NextAttempt::same_endpoint};
  if (failed.attempts >= policy.attempts) return give_up(WhyNot::attempts);

  Duration pause = backoff(policy, failed.attempts - 1, moment.chance);
  if (failed.retry_after && !failed.endpoint_left) {
    if (*failed.retry_after > policy.max_backoff) return give_up(WhyNot::retry_after);
    pause = std::max(pause, *failed.retry_after);
  }
  if (moment.deadline.reached(moment.now + pause)) return give_up(WhyNot::deadline);
  if (!budget.take(moment.now)) return give_up(WhyNot::budget);
  return {.next = NextAttempt::by_choice, .pause = pause};
}

}  // namespace intragate::upstream

// The retry rule: whether a failed attempt is followed by another one, and when. All there is to know about it stands
// here; pipeline/dispatch.cpp is the only caller. Time and chance are parameters. Owner: the caller; RetryBudget
// belongs to a model on one loop. Thread: one. Does not: wait, choose an endpoint (choice.h), send anything. Rule: only
// before the first byte of an answer has gone to the client; full jitter after M. Brooker, "Exponential Backoff And
// Jitter" (2015); retry budget after Google's SRE book, chapter 21; Retry-After: RFC 9110 section 10.2.3.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"

namespace intragate::upstream {

// Whether a model's answer with this status may be tried again: 408, 429, 500, 502, 503, 504. The other 4xx are the
// caller's fault and would only fail again.
[[nodiscard]] bool retryable_status(int status);

// A Retry-After value, in seconds or as an HTTP-date, as a pause from `now`: 0 … 1 day. Nothing when it is neither.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view value, WallTime now);

// Full jitter: chance · min(max_backoff, backoff·2ⁿ) with n = `retries` made before. `chance`: 0 ≤ x < 1.
[[nodiscard]] Duration backoff(const config::RetryPolicy& policy, std::uint32_t retries, double chance);

// How many calls may be repeated: a share of the calls of the last 10 s, and always 3. A model that fails as a whole is
// thus not hit by a multiple of its load. Hedges (pipeline/hedge.h) have one of their own.
class RetryBudget {
 public:
  explicit RetryBudget(std::uint32_t percent) : percent_{percent} {}
  void count_call(TimePoint now);
  // Takes one retry, or says no.
  [[nodiscard]] bool take(TimePoint now);

 private:
  static constexpr std::int64_t kSeconds = 10;
  static constexpr std::uint64_t kFloor = 3;
  struct Second {
    std::int64_t at = -1;
    std::uint64_t calls = 0;
    std::uint64_t retries = 0;
  };
  Second& second(TimePoint now);

  std::uint32_t percent_;
  std::array<Second, kSeconds> seconds_{};  // a ring by second; `at` tells old from new
};

// An attempt that failed before anything reached the client.
struct FailedAttempt {
  Retry retry = Retry::never;             // what its error allows; a status is first asked of retryable_status
  std::uint32_t attempts = 1;             // made so far with this one; a fresh_connection does not count as one
  std::optional<Duration> retry_after{};  // what the model asked for
  bool endpoint_left = false;             // another endpoint that was not tried yet and is not cooling down
};

// Where a call stands when it asks.
struct RetryMoment {
  TimePoint now;
  Deadline deadline;  // of the whole call
  double chance = 0;  // 0 ≤ x < 1
};

enum class NextAttempt : std::uint8_t { none, same_endpoint, by_choice };
enum class WhyNot : std::uint8_t { pointless, attempts, retry_after, deadline, budget };
[[nodiscard]] std::string_view why_not_name(WhyNot reason);

struct RetryPlan {
  NextAttempt next = NextAttempt::none;
  Duration pause{};                   // wait this long first
  WhyNot reason = WhyNot::pointless;  // for `none`
};

// A model's Retry-After is waited for when no other endpoint is left and it is at most max_backoff; a longer one ends
// the call and goes to the client. The budget is asked last, so that only retries that happen use it up.
[[nodiscard]] RetryPlan plan_retry(const config::RetryPolicy& policy, const FailedAttempt& failed,
                                   const RetryMoment& moment, RetryBudget& budget);

}  // namespace intragate::upstream

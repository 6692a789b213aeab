// Breaker: whether one endpoint may get calls, by how its calls of the last seconds ended.
// Owner: Health (health.h). Thread: one call at a time. Does not: lock, read clocks, send probes; what several
// breakers mean together is ejection.h.
// Rule: closed → open when in the window at least min_calls ended and error_percent of them failed, or slow_percent
//       were slow; also when `failures` failed in a row: few calls are evidence too. Open → half-open when the
//       cool-down is over: at most `probes` calls at a time. → closed after `probes` good ones (in need, calls go
//       there before the cool-down is over: good ones count as well); half-open → open after one that failed or was
//       slow, with twice the cool-down, up to max_cooldown. After M. Nygard, "Release It!"; rates as in resilience4j.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "config/health.h"

namespace intragate::upstream {

enum class BreakerState : std::uint8_t { closed, open, half_open };
[[nodiscard]] std::string_view state_name(BreakerState state);

// How a call at the endpoint ended, as far as that says something about the endpoint.
enum class CallEnd : std::uint8_t {
  good,    // it answered
  slow,    // it answered, but late
  busy,    // 429: it lives but wants less; as good as good, yet it counts as loaded (health.h)
  failed,  // no connection, broken, garbage, too slow, 500, 502, 503, 504 …
  none,    // says nothing: the client left, the caller was wrong, our own fault
};

// What the end of a call changed: nothing, closed again, or opened, and why.
enum class Turn : std::uint8_t { none, back, failures, error_rate, slow_rate, outlier, probe };
[[nodiscard]] constexpr bool opened(Turn turn) {
  return turn > Turn::back;
}
[[nodiscard]] std::string_view turn_name(Turn turn);

// What happened in the window.
struct CallRates {
  std::uint32_t calls = 0;
  std::uint32_t failed = 0;
  std::uint32_t slow = 0;
  [[nodiscard]] std::uint32_t error_percent() const { return calls == 0 ? 0 : failed * 100 / calls; }
  [[nodiscard]] std::uint32_t slow_percent() const { return calls == 0 ? 0 : slow * 100 / calls; }
};

class Breaker {
 public:
  // A call's leave to go. Each one that was given is handed back with end(), once.
  enum class Pass : std::uint8_t { none, normal, probe };

  explicit Breaker(const config::Health& rules) : rules_{rules}, cooldown_{rules.cooldown} {}

  // May a call come? `none`: it is open, or half-open with enough probes under way.
  [[nodiscard]] Pass ask(TimePoint now);
  // A pass in any case, for when there is no better endpoint; a probe if there is room for one.
  [[nodiscard]] Pass force();
  Turn end(Pass pass, CallEnd how, TimePoint now);
  // Opens a closed one whatever the rule says: the others are so much better (ejection.h).
  Turn eject(TimePoint now);

  [[nodiscard]] BreakerState state(TimePoint now) const;
  [[nodiscard]] bool tripped() const { return tripped_; }  // open or half-open
  // The end of the present or last cool-down.
  [[nodiscard]] TimePoint cools_until() const { return cools_until_; }
  [[nodiscard]] std::uint32_t probing() const { return probing_; }
  [[nodiscard]] CallRates rates(TimePoint now) const;

 private:
  static constexpr std::size_t kParts = 10;
  struct Part {
    std::int64_t number = -1;  // of the part of time it belongs to
    CallRates rates;
  };
  [[nodiscard]] std::int64_t part_number(TimePoint now) const;
  void count(CallEnd how, TimePoint now);
  Turn probe_ended(CallEnd how, TimePoint now);
  [[nodiscard]] Turn too_bad(TimePoint now) const;
  void open(TimePoint now);
  void close();

  config::Health rules_;
  std::array<Part, kParts> parts_{};
  bool tripped_ = false;
  TimePoint cools_until_{};
  Duration cooldown_;
  std::uint32_t failures_in_row_ = 0;
  std::uint32_t probing_ = 0;
  std::uint32_t good_probes_ = 0;
};

}  // namespace intragate::upstream

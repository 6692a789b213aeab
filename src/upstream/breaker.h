// Breaker: whether one endpoint may get calls, by how its calls of the last seconds ended.
// Owner: an endpoint. Thread: one call at a time. Does not: read clocks, send probes, look at other endpoints.
// Rule: closed → open when in the window at least min_calls ended and error_percent of them failed, or slow_percent
//       were slow; also when `consecutive` failed in a row: few calls are evidence too. Open → half-open when the
//       cool-down is over: at most `probes` calls at a time. Half-open → closed after `probes` good ones; → open after
//       one that failed, with twice the cool-down, up to max_cooldown. After M. Nygard, "Release It!"; rates as in
//       resilience4j. What several breakers mean together: ejection.h.
#pragma once

#include <array>
#include <cstdint>

#include "base/time.h"

namespace intragate::qos {

struct BreakerRules {
  Duration window = std::chrono::seconds{10};
  std::uint32_t min_calls = 10;
  std::uint32_t error_percent = 50;
  std::uint32_t slow_percent = 80;
  std::uint32_t consecutive = 3;
  Duration cooldown = std::chrono::seconds{5};
  Duration max_cooldown = std::chrono::seconds{60};
  std::uint32_t probes = 2;
};

enum class BreakerState : std::uint8_t { closed, open, half_open };

// How a call at the endpoint ended. `none`: that says nothing about it (the client left, our own fault).
enum class CallEnd : std::uint8_t { good, slow, failed, none };

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

  explicit Breaker(const BreakerRules& rules) : rules_{rules}, cooldown_{rules.cooldown} {}

  // May a call come? `none`: it is open, or half-open with enough probes under way.
  [[nodiscard]] Pass ask(TimePoint now);
  // A pass in any case, for when all endpoints are bad (ejection.h); a probe if one is due.
  [[nodiscard]] Pass force(TimePoint now);
  void end(Pass pass, CallEnd how, TimePoint now);

  [[nodiscard]] BreakerState state(TimePoint now) const;
  // Whether ask() would say yes.
  [[nodiscard]] bool would_pass(TimePoint now) const;
  // The end of the present or last cool-down.
  [[nodiscard]] TimePoint cools_until() const { return cools_until_; }
  [[nodiscard]] CallRates rates(TimePoint now) const;
  void set_rules(const BreakerRules& rules) { rules_ = rules; }

 private:
  static constexpr std::size_t kParts = 10;
  struct Part {
    std::int64_t number = -1;  // of the part of time it belongs to
    CallRates rates;
  };
  [[nodiscard]] std::int64_t part_number(TimePoint now) const;
  void count(CallEnd how, TimePoint now);
  void probe_ended(CallEnd how, TimePoint now);
  [[nodiscard]] bool too_bad(TimePoint now) const;
  void open(TimePoint now);
  void close();

  BreakerRules rules_;
  std::array<Part, kParts> parts_{};
  bool tripped_ = false;
  TimePoint cools_until_{};
  Duration cooldown_;
  std::uint32_t failures_in_row_ = 0;
  std::uint32_t probing_ = 0;
  std::uint32_t good_probes_ = 0;
};

}  // namespace intragate::qos

// LimitCounter: what one subject has used: calls in progress, sliding minutes, tokens of the calendar day and month.
// Owner: LimitTable. Thread: one at a time. Does not: know rules; the caps come with each question.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "qos/gcra.h"
#include "qos/limit_rules.h"
#include "qos/subject.h"

namespace intragate::qos {

struct Moment {
  TimePoint now{};
  WallTime wall{};  // whose days and months count: UTC, or shifted by the caller to local time
};

// Calendar windows, counted so that a later one is larger.
struct Windows {
  std::int32_t day = 0;    // days since 1970
  std::int32_t month = 0;  // months since year 0
  friend bool operator==(const Windows&, const Windows&) = default;
};
[[nodiscard]] Windows windows_of(WallTime wall);
[[nodiscard]] Duration until_tomorrow(WallTime wall);
[[nodiscard]] Duration until_next_month(WallTime wall);

// For x-ratelimit-{limit,remaining,reset}: of all limits of this kind the one with the least left. limit 0: none.
struct Allowance {
  std::uint64_t limit = 0;
  std::uint64_t remaining = 0;
  Duration reset{};  // until everything is there again
};

// A limit that says no.
struct Exceeded {
  Quantity quantity = Quantity::concurrency;
  std::uint64_t limit = 0;
  std::uint64_t remaining = 0;
  Duration reset{};
  Duration retry_after{};
};

// What is left of one limit.
struct Leftover {
  Quantity quantity = Quantity::concurrency;
  std::uint64_t limit = 0;
  std::uint64_t remaining = 0;
  Duration reset{};  // until everything is there again; zero of concurrency: nobody knows
};

class LimitCounter {
 public:
  // Notes which caps hold and moves on to the present windows. A wall clock that goes back does not reopen a
  // window, nor make one last longer than the present day or month.
  void turn_to(const Caps& caps, const Windows& present);
  // The limit that one more request with so many tokens would break; the one that lasts longest if there are several.
  [[nodiscard]] std::optional<Exceeded> refuses(std::uint64_t tokens, const Moment& at) const;
  void take(std::uint64_t tokens, TimePoint now);
  // A call that took `taken` in the windows `began` has ended with `used`.
  void settle(std::uint64_t taken, std::uint64_t used, const Windows& began, const Moment& at);
  void give_back_request(TimePoint now);

  [[nodiscard]] Allowance requests_left(TimePoint now) const;
  [[nodiscard]] Allowance tokens_left(const Moment& at) const;
  // Of every limit there is.
  [[nodiscard]] std::vector<Leftover> left(const Moment& at) const;
  // Nothing here would matter to a next call.
  [[nodiscard]] bool idle(TimePoint now, const Windows& windows) const;

  Subject subject{};  // with `per` mixed in: where the table finds it
  Per per = Per::user;
  std::uint32_t running = 0;
  Windows windows{};
  std::uint64_t day_tokens = 0;
  std::uint64_t month_tokens = 0;
  std::string key{};  // names are kept only where day or month counts are to be exported
  std::string name{};
  std::uint32_t older = UINT32_MAX;  // neighbours in the table's list by last use
  std::uint32_t newer = UINT32_MAX;

 private:
  void turn_to(const Windows& present);
  [[nodiscard]] Rate request_rate() const { return {.limit = caps_.requests_per_minute}; }
  [[nodiscard]] Rate token_rate() const { return {.limit = caps_.tokens_per_minute}; }

  Caps caps_{};
  Gcra requests_;
  Gcra tokens_;
};

}  // namespace intragate::qos

#include "qos/limit_counter.h"

#include <algorithm>

namespace intragate::qos {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

std::uint64_t left_of(std::uint64_t limit, std::uint64_t used) {
  return limit > used ? limit - used : 0;
}

// More than the whole limit passes when nothing was used yet: an estimate must not shut somebody out for ever.
bool window_fits(std::uint64_t limit, std::uint64_t used, std::uint64_t tokens) {
  return used == 0 || tokens <= left_of(limit, used);
}

void keep_longest(std::optional<Exceeded>& longest, const Exceeded& other) {
  if (!longest || other.retry_after > longest->retry_after) longest = other;
}

void keep_least(Allowance& least, const Allowance& other) {
  if (least.limit == 0 || other.remaining < least.remaining) least = other;
}

std::uint64_t corrected(std::uint64_t count, std::uint64_t taken, std::uint64_t used) {
  return count + used > taken ? count + used - taken : 0;
}

}  // namespace

Windows windows_of(WallTime wall) {
  const auto day = std::chrono::floor<days>(wall);
  const std::chrono::year_month_day date{day};
  return {.day = static_cast<std::int32_t>(day.time_since_epoch().count()),
          .month = static_cast<std::int32_t>(date.year()) * 12 + static_cast<std::int32_t>(unsigned{date.month()}) - 1};
}

Duration until_tomorrow(WallTime wall) {
  return std::chrono::floor<days>(wall) + days{1} - wall;
}

Duration until_next_month(WallTime wall) {
  const std::chrono::year_month_day date{std::chrono::floor<days>(wall)};
  const auto next = date.year() / date.month() + std::chrono::months{1};
  return sys_days{next / 1} - wall;
}

void LimitCounter::turn_to(const Caps& caps, const Windows& present) {
  caps_ = caps;
  turn_to(present);
}

void LimitCounter::turn_to(const Windows& present) {
  // The clock had been wrong: what was used goes on in the present windows, which end. Else those of a day that has not
  // come yet would never do.
  if (present.day < windows.day - 1) windows = present;
  if (present.day > windows.day) {
    windows.day = present.day;
    day_tokens = 0;
  }
  if (present.month > windows.month) {
    windows.month = present.month;
    month_tokens = 0;
  }
}

std::optional<Exceeded> LimitCounter::refuses(std::uint64_t tokens, const Moment& at) const {
  std::optional<Exceeded> longest;
  if (caps_.concurrency != 0 && running >= caps_.concurrency)
    keep_longest(longest, {.quantity = Quantity::concurrency, .limit = caps_.concurrency});
  if (caps_.requests_per_minute != 0 && !requests_.fits(request_rate(), 1, at.now)) {
    keep_longest(longest, {.quantity = Quantity::requests_per_minute,
                           .limit = caps_.requests_per_minute,
                           .remaining = requests_.remaining(request_rate(), at.now),
                           .reset = requests_.reset(at.now),
                           .retry_after = requests_.retry_after(request_rate(), 1, at.now)});
  }
  if (caps_.tokens_per_minute != 0 && !tokens_.fits(token_rate(), tokens, at.now)) {
    keep_longest(longest, {.quantity = Quantity::tokens_per_minute,
                           .limit = caps_.tokens_per_minute,
                           .remaining = tokens_.remaining(token_rate(), at.now),
                           .reset = tokens_.reset(at.now),
                           .retry_after = tokens_.retry_after(token_rate(), tokens, at.now)});
  }
  if (caps_.tokens_per_day != 0 && !window_fits(caps_.tokens_per_day, day_tokens, tokens)) {
    keep_longest(longest, {.quantity = Quantity::tokens_per_day,
                           .limit = caps_.tokens_per_day,
                           .remaining = left_of(caps_.tokens_per_day, day_tokens),
                           .reset = until_tomorrow(at.wall),
                           .retry_after = until_tomorrow(at.wall)});
  }
  if (caps_.tokens_per_month != 0 && !window_fits(caps_.tokens_per_month, month_tokens, tokens)) {
    keep_longest(longest, {.quantity = Quantity::tokens_per_month,
                           .limit = caps_.tokens_per_month,
                           .remaining = left_of(caps_.tokens_per_month, month_tokens),
                           .reset = until_next_month(at.wall),
                           .retry_after = until_next_month(at.wall)});
  }
  return longest;
}

void LimitCounter::take(std::uint64_t tokens, TimePoint now) {
  ++running;
  if (caps_.requests_per_minute != 0) requests_.take(request_rate(), 1, now);
  if (caps_.tokens_per_minute != 0) tokens_.take(token_rate(), tokens, now);
  if (caps_.tokens_per_day != 0) day_tokens += tokens;
  if (caps_.tokens_per_month != 0) month_tokens += tokens;
}

void LimitCounter::settle(std::uint64_t taken, std::uint64_t used, const Windows& began, const Moment& at) {
  --running;
  turn_to(windows_of(at.wall));
  const auto more = static_cast<std::int64_t>(used) - static_cast<std::int64_t>(taken);
  if (caps_.tokens_per_minute != 0) tokens_.correct(token_rate(), more, at.now);
  // What was taken counts in the window it was taken in; in a later one only the rest of it does.
  const std::uint64_t rest = used > taken ? used - taken : 0;
  if (caps_.tokens_per_day != 0)
    day_tokens = windows.day == began.day ? corrected(day_tokens, taken, used) : day_tokens + rest;
  if (caps_.tokens_per_month != 0)
    month_tokens = windows.month == began.month ? corrected(month_tokens, taken, used) : month_tokens + rest;
}

void LimitCounter::give_back_request(TimePoint now) {
  if (caps_.requests_per_minute != 0) requests_.correct(request_rate(), -1, now);
}

Allowance LimitCounter::requests_left(TimePoint now) const {
  if (caps_.requests_per_minute == 0) return {};
  return {.limit = caps_.requests_per_minute,
          .remaining = requests_.remaining(request_rate(), now),
          .reset = requests_.reset(now)};
}

Allowance LimitCounter::tokens_left(const Moment& at) const {
  Allowance least;
  if (caps_.tokens_per_minute != 0) {
    keep_least(least, {.limit = caps_.tokens_per_minute,
                       .remaining = tokens_.remaining(token_rate(), at.now),
                       .reset = tokens_.reset(at.now)});
  }
  if (caps_.tokens_per_day != 0) {
    keep_least(least, {.limit = caps_.tokens_per_day,
                       .remaining = left_of(caps_.tokens_per_day, day_tokens),
                       .reset = until_tomorrow(at.wall)});
  }
  if (caps_.tokens_per_month != 0) {
    keep_least(least, {.limit = caps_.tokens_per_month,
                       .remaining = left_of(caps_.tokens_per_month, month_tokens),
                       .reset = until_next_month(at.wall)});
  }
  return least;
}

std::vector<Leftover> LimitCounter::left(const Moment& at) const {
  std::vector<Leftover> found;
  const auto add = [&](Quantity quantity, std::uint64_t limit, std::uint64_t remaining, Duration reset) {
    if (limit != 0) found.push_back({.quantity = quantity, .limit = limit, .remaining = remaining, .reset = reset});
  };
  add(Quantity::concurrency, caps_.concurrency, left_of(caps_.concurrency, running), {});
  const Allowance requests = requests_left(at.now);
  add(Quantity::requests_per_minute, requests.limit, requests.remaining, requests.reset);
  if (caps_.tokens_per_minute != 0) {
    add(Quantity::tokens_per_minute, caps_.tokens_per_minute, tokens_.remaining(token_rate(), at.now),
        tokens_.reset(at.now));
  }
  add(Quantity::tokens_per_day, caps_.tokens_per_day, left_of(caps_.tokens_per_day, day_tokens),
      until_tomorrow(at.wall));
  add(Quantity::tokens_per_month, caps_.tokens_per_month, left_of(caps_.tokens_per_month, month_tokens),
      until_next_month(at.wall));
  return found;
}

bool LimitCounter::idle(TimePoint now, const Windows& present) const {
  const bool day_over = day_tokens == 0 || present.day > windows.day;
  const bool month_over = month_tokens == 0 || present.month > windows.month;
  return running == 0 && requests_.idle(now) && tokens_.idle(now) && day_over && month_over;
}

}  // namespace intragate::qos

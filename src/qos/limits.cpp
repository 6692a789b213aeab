#include "qos/limits.h"

#include <algorithm>
#include <utility>

namespace intragate::qos {
namespace {

constexpr Duration kShortestRetry = std::chrono::seconds{1};
constexpr Duration kLongestGuess = std::chrono::seconds{60};  // for a place of `concurrency`

void keep_least(Allowance& least, const Allowance& other) {
  if (other.limit != 0 && (least.limit == 0 || other.remaining < least.remaining)) least = other;
}

bool counts_windows(const Caps& caps) {
  return caps.tokens_per_day != 0 || caps.tokens_per_month != 0;
}

}  // namespace

Verdict LimitTable::reserve(const Caller& caller, std::uint64_t tokens, const Moment& at) {
  std::array<Applying, kPerCount> applying;
  Verdict verdict{.reservation = {.tokens = tokens, .windows = windows_of(at.wall), .since = at.now}};
  for (std::size_t i = 0; i < kPerCount; ++i) {
    const Per per = static_cast<Per>(i);
    const std::optional<std::uint32_t> rule = rules_.find(per, caller);
    if (!rule) continue;
    applying[i] = {.rule = *rule, .counter = counter_for(per, caller, rules_[*rule].caps)};
    LimitCounter& counter = counters_[applying[i].counter];
    counter.turn_to(rules_[*rule].caps, verdict.reservation.windows);
    const std::optional<Exceeded> exceeded = counter.refuses(tokens, at);
    if (!exceeded) continue;
    Overrun overrun{*exceeded, per, *rule};
    complete(overrun);
    if (!verdict.overrun || overrun.retry_after > verdict.overrun->retry_after) verdict.overrun = overrun;
  }
  for (std::size_t i = 0; i < kPerCount; ++i) {
    if (applying[i].counter == kNone) continue;
    LimitCounter& counter = counters_[applying[i].counter];
    if (!verdict.overrun) {
      counter.take(tokens, at.now);
      verdict.reservation.counters[i] = applying[i].counter;
    }
    keep_least(verdict.requests, counter.requests_left(at.now));
    keep_least(verdict.tokens, counter.tokens_left(at));
  }
  return verdict;
}

void LimitTable::commit(const Reservation& reservation, std::uint64_t tokens, const Moment& at) {
  const auto held = static_cast<double>((at.now - reservation.since).count());
  held_ += (held - held_) / 64;
  end(reservation, tokens, at);
}

void LimitTable::cancel(const Reservation& reservation, const Moment& at) {
  for (const std::uint32_t index : reservation.counters) {
    if (index != kNone) counters_[index].give_back_request(at.now);
  }
  end(reservation, 0, at);
}

void LimitTable::end(const Reservation& reservation, std::uint64_t tokens, const Moment& at) {
  for (const std::uint32_t index : reservation.counters) {
    if (index != kNone) counters_[index].settle(reservation.tokens, tokens, reservation.windows, at);
  }
}

std::vector<LimitLeft> LimitTable::left(const Caller& caller, const Moment& at) const {
  std::vector<LimitLeft> found;
  for (const Per per : {Per::user, Per::key, Per::model}) {
    const std::optional<std::uint32_t> rule = rules_.find(per, caller);
    if (!rule) continue;
    const std::uint32_t known = index_.find(subject(per, caller));
    LimitCounter counter = known == kNone ? LimitCounter{} : counters_[known];  // a copy: looking changes nothing
    counter.turn_to(rules_[*rule].caps, windows_of(at.wall));
    for (const Leftover& one : counter.left(at)) found.push_back({one, per, *rule});
  }
  return found;
}

// Nothing is known about when one of somebody's calls will end; the mean is as honest as it gets.
void LimitTable::complete(Overrun& overrun) const {
  if (overrun.quantity == Quantity::concurrency) {
    const double guess = held_ / static_cast<double>(overrun.limit);
    overrun.retry_after = std::min(Duration{static_cast<Duration::rep>(guess)}, kLongestGuess);
    overrun.reset = overrun.retry_after;
  }
  overrun.retry_after = std::max(overrun.retry_after, kShortestRetry);
}

Subject LimitTable::subject(Per per, const Caller& caller) const {
  const std::uint64_t seed = seed_ + static_cast<std::uint64_t>(per);
  switch (per) {
    case Per::user: return user_of(subject_of(caller.key, seed), caller.user);
    case Per::key: return subject_of(caller.key, seed);
    case Per::model: return subject_of(caller.model, seed);
    case Per::address: break;
  }
  const auto& bytes = caller.address.bytes();
  return subject_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, seed);
}

std::uint32_t LimitTable::counter_for(Per per, const Caller& caller, const Caps& caps) {
  const Subject who = subject(per, caller);
  std::uint32_t index = index_.find(who);
  if (index == kNone) {
    index = new_counter(per, who);
  } else if (index != newest_) {
    unlink(index);
    append(index);
  }
  LimitCounter& counter = counters_[index];
  if (counts_windows(caps) && counter.name.empty()) {
    if (per == Per::user) counter.key = caller.key;
    counter.name = per == Per::user      ? std::string{caller.user}
                   : per == Per::key     ? std::string{caller.key}
                   : per == Per::address ? caller.address.text()
                                         : std::string{caller.model};
  }
  return index;
}

std::uint32_t LimitTable::new_counter(Per per, Subject who) {
  if (counters_.used() >= max_subjects_) make_room();
  const std::uint32_t index = counters_.take();
  counters_[index] = LimitCounter{};
  counters_[index].subject = who;
  counters_[index].per = per;
  index_.insert(who, index);
  append(index);
  return index;
}

// Looks at the eight that were unused longest. If all of those have calls the table grows: calls are bounded elsewhere.
void LimitTable::make_room() {
  std::uint32_t index = oldest_;
  for (int step = 0; step < 8 && index != kNone; ++step) {
    const std::uint32_t newer = counters_[index].newer;
    if (counters_[index].running == 0) {
      forget(index);
      return;
    }
    index = newer;
  }
}

void LimitTable::forget(std::uint32_t index) {
  index_.erase(counters_[index].subject);
  unlink(index);
  counters_[index] = LimitCounter{};
  counters_.give_back(index);
}

void LimitTable::append(std::uint32_t index) {
  LimitCounter& counter = counters_[index];
  counter.older = newest_;
  counter.newer = kNone;
  (newest_ == kNone ? oldest_ : counters_[newest_].newer) = index;
  newest_ = index;
}

void LimitTable::unlink(std::uint32_t index) {
  const LimitCounter& counter = counters_[index];
  (counter.older == kNone ? oldest_ : counters_[counter.older].newer) = counter.newer;
  (counter.newer == kNone ? newest_ : counters_[counter.newer].older) = counter.older;
}

void LimitTable::forget_idle(const Moment& at) {
  const Windows present = windows_of(at.wall);
  for (std::uint32_t index = oldest_; index != kNone;) {
    const std::uint32_t newer = counters_[index].newer;
    if (counters_[index].idle(at.now, present)) forget(index);
    index = newer;
  }
}

std::vector<WindowCount> LimitTable::export_windows(const Moment& at) const {
  const Windows present = windows_of(at.wall);
  std::vector<WindowCount> counts;
  for (std::uint32_t index = oldest_; index != kNone; index = counters_[index].newer) {
    const LimitCounter& counter = counters_[index];
    if (counter.name.empty()) continue;
    const std::uint64_t day = counter.windows.day >= present.day ? counter.day_tokens : 0;
    const std::uint64_t month = counter.windows.month >= present.month ? counter.month_tokens : 0;
    if (day == 0 && month == 0) continue;
    counts.push_back({.per = counter.per,
                      .key = counter.key,
                      .name = counter.name,
                      .windows = counter.windows,
                      .day_tokens = day,
                      .month_tokens = month});
  }
  return counts;
}

void LimitTable::import_windows(std::span<const WindowCount> counts, const Moment& at) {
  const Windows present = windows_of(at.wall);
  for (const WindowCount& count : counts) {
    const std::uint64_t day = count.windows.day >= present.day ? count.day_tokens : 0;
    const std::uint64_t month = count.windows.month >= present.month ? count.month_tokens : 0;
    if (day == 0 && month == 0) continue;
    Caller caller{
        .key = count.per == Per::key ? count.name : count.key, .user = {}, .address = {}, .model = count.name};
    if (count.per == Per::user) caller.user = count.name;
    if (count.per == Per::address) {
      const Result<IpAddress> address = IpAddress::parse(count.name);
      if (!address) continue;
      caller.address = *address;
    }
    LimitCounter& counter = counters_[counter_for(count.per, caller, {.tokens_per_day = 1})];
    counter.turn_to({}, present);
    counter.day_tokens += day;
    counter.month_tokens += month;
  }
}

}  // namespace intragate::qos

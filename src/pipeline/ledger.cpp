#include "pipeline/ledger.h"

#include <utility>

namespace intragate::pipeline {
namespace {

static_assert(static_cast<int>(config::Limit::Per::model) == static_cast<int>(qos::Per::model));
static_assert(static_cast<int>(config::Limit::Priority::batch) == static_cast<int>(qos::Priority::batch));

}  // namespace

std::vector<qos::LimitRule> to_rules(const std::vector<config::Limit>& limits) {
  std::vector<qos::LimitRule> rules;
  for (const config::Limit& limit : limits) {
    qos::LimitRule& rule = rules.emplace_back();
    rule.per = static_cast<qos::Per>(limit.per);
    rule.name = limit.name;
    rule.caps = {.concurrency = limit.concurrency,
                 .requests_per_minute = limit.requests_per_minute,
                 .tokens_per_minute = limit.tokens_per_minute,
                 .tokens_per_day = limit.tokens_per_day,
                 .tokens_per_month = limit.tokens_per_month};
    rule.weight = limit.weight;
    if (limit.priority) rule.priority = static_cast<qos::Priority>(*limit.priority);
  }
  return rules;
}

Ledger::Ledger(const std::vector<config::Limit>& rules, std::uint64_t seed)
    : seed_{seed}, has_rules_{!rules.empty()}, table_{to_rules(rules), seed} {}

Ledger::Taken Ledger::reserve(const qos::Caller& caller, std::uint64_t tokens, const qos::Moment& at) {
  const std::lock_guard lock{mutex_};
  last_ = at;
  Taken taken{.verdict = table_.reserve(caller, tokens, at), .reservation = {}, .broken = {}, .rank = {}};
  if (taken.verdict.overrun) {
    taken.broken = table_.rules()[taken.verdict.overrun->rule];
    return taken;
  }
  taken.reservation = Ticket<Ledger>{*this, taken.verdict.reservation};
  taken.rank = table_.rules().rank(caller);
  return taken;
}

void Ledger::commit(Ticket<Ledger> reservation, std::uint64_t tokens, const qos::Moment& at) {
  const Grant grant = std::move(reservation).take();
  const std::lock_guard lock{mutex_};
  last_ = at;
  table_.commit(grant, tokens, at);
}

void Ledger::give_back(const Grant& reservation) noexcept {
  const std::lock_guard lock{mutex_};
  table_.cancel(reservation, last_);
}

Ledger::Left Ledger::left(const qos::Caller& caller, const qos::Moment& at) const {
  const std::lock_guard lock{mutex_};
  return {.limits = table_.left(caller, at), .rank = table_.rules().rank(caller)};
}

void Ledger::replace_rules(const std::vector<config::Limit>& rules) {
  const std::lock_guard lock{mutex_};
  table_.replace_rules(to_rules(rules));
  has_rules_.store(!rules.empty(), std::memory_order_relaxed);
}

void Ledger::forget_idle(const qos::Moment& at) {
  const std::lock_guard lock{mutex_};
  table_.forget_idle(at);
}

std::vector<qos::WindowCount> Ledger::windows(const qos::Moment& at) const {
  const std::lock_guard lock{mutex_};
  return table_.export_windows(at);
}

void Ledger::restore(const std::vector<qos::WindowCount>& windows, const qos::Moment& at) {
  const std::lock_guard lock{mutex_};
  table_.import_windows(windows, at);
}

}  // namespace intragate::pipeline

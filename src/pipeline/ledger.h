// What everybody has used, for all loops: the limit table behind a mutex that is held for the length of a call.
// Owner: app; outlives every reservation. Thread: any loop. Does not: read clocks, answer clients (limit.cpp does).
#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "base/ticket.h"
#include "config/config.h"
#include "qos/limits.h"

namespace intragate::pipeline {

// The rules of a configuration as qos/ takes them.
[[nodiscard]] std::vector<qos::LimitRule> to_rules(const std::vector<config::Limit>& limits);

class Ledger {
 public:
  // `seed`: see qos/subject.h.
  Ledger(const std::vector<config::Limit>& rules, std::uint64_t seed);

  // What a call took; the ticket is in the exchange. give_back: it never reached a model and does not count.
  using Grant = qos::Reservation;
  void give_back(const Grant& reservation) noexcept;

  // Whether there are rules at all: without any nothing needs to be asked.
  [[nodiscard]] bool has_rules() const { return has_rules_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

  struct Taken {
    qos::Verdict verdict;                  // overrun: nothing was taken
    Ticket<Ledger> reservation;            // unless refused
    std::optional<qos::LimitRule> broken;  // the rule that said no
    qos::Rank rank;
  };
  [[nodiscard]] Taken reserve(const qos::Caller& caller, std::uint64_t tokens, const qos::Moment& at);
  // The call used so many tokens.
  void commit(Ticket<Ledger> reservation, std::uint64_t tokens, const qos::Moment& at);

  // What a caller has left, and what its calls are worth, without a call.
  struct Left {
    std::vector<qos::LimitLeft> limits;
    qos::Rank rank;
  };
  [[nodiscard]] Left left(const qos::Caller& caller, const qos::Moment& at) const;

  // The rules of a reload; what was used stays.
  void replace_rules(const std::vector<config::Limit>& rules);
  // Once a minute.
  void forget_idle(const qos::Moment& at);

  // The counts of days and months, to be kept over a restart.
  [[nodiscard]] std::vector<qos::WindowCount> windows(const qos::Moment& at) const;
  void restore(const std::vector<qos::WindowCount>& windows, const qos::Moment& at);

 private:
  std::uint64_t seed_;
  std::atomic<bool> has_rules_;
  mutable std::mutex mutex_;
  qos::LimitTable table_;
  qos::Moment last_;  // what give_back takes for now
};

}  // namespace intragate::pipeline

// LimitTable: the rules and a counter for each subject they count; reserves before a call and corrects after it.
// Owner:   one for the process. Thread: one call at a time: loops hold a mutex for the length of a call.
// Does not: read clocks, answer clients, store anything: day and month counts go out and come in as plain data.
// Rule:    which rules apply: limit_rules.h. All of them must allow the call, or nothing is taken from any. Minutes
//          slide (gcra.h); days and months are calendar windows of the wall time that is handed in.
// Counters belong to a subject ("user alice of key dify"), not to a rule: the rules of a reload find what was used.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "qos/limit_counter.h"
#include "qos/limit_rules.h"
#include "qos/slab.h"
#include "qos/subject_table.h"

namespace intragate::qos {

// Which limit said no.
struct Overrun : Exceeded {
  Per per = Per::user;
  std::uint32_t rule = 0;  // index in the list; retry_after is at least 1 s
};

// What a call holds until it ends. Small and copyable: the caller's ticket makes it end once.
struct Reservation {
  std::array<std::uint32_t, kPerCount> counters{kNone, kNone, kNone, kNone};
  std::uint64_t tokens = 0;
  Windows windows{};
  TimePoint since{};
};

struct Verdict {
  std::optional<Overrun> overrun{};  // set: refused, nothing was taken
  Reservation reservation{};
  Allowance requests{};  // for the headers, this call counted
  Allowance tokens{};
};

// A day's and a month's use of one subject, to be kept over a restart.
struct WindowCount {
  Per per = Per::user;
  std::string key{};  // for users: of which key
  std::string name{};
  Windows windows{};
  std::uint64_t day_tokens = 0;
  std::uint64_t month_tokens = 0;
  friend bool operator==(const WindowCount&, const WindowCount&) = default;
};

struct LimitLeft : Leftover {
  Per per = Per::user;
  std::uint32_t rule = 0;  // index in the list
};

class LimitTable {
 public:
  static constexpr std::uint32_t kMaxSubjects = 65536;

  // `seed`: as for subject.h. At most `max_subjects` (16 or more) are remembered besides those with calls; then the one
  // that was unused longest is forgotten. About 300 bytes each.
  LimitTable(std::vector<LimitRule> rules, std::uint64_t seed, std::uint32_t max_subjects = kMaxSubjects)
      : rules_{std::move(rules)}, seed_{seed}, max_subjects_{std::max(max_subjects, 16U)} {}

  // Takes one request and so many tokens from every limit that applies, or nothing from any.
  [[nodiscard]] Verdict reserve(const Caller& caller, std::uint64_t tokens, const Moment& at);
  // The call has ended and used so many tokens. Once for each reservation.
  void commit(const Reservation& reservation, std::uint64_t tokens, const Moment& at);
  // The call never reached a model: it does not count.
  void cancel(const Reservation& reservation, const Moment& at);

  // What is left now of every limit that applies to the caller's user, key and model. Takes nothing, remembers nobody.
  [[nodiscard]] std::vector<LimitLeft> left(const Caller& caller, const Moment& at) const;

  // The rules of a reload; counters go on.
  void replace_rules(std::vector<LimitRule> rules) { rules_ = LimitRules{std::move(rules)}; }
  [[nodiscard]] const LimitRules& rules() const { return rules_; }

  // Day and month counts that are not zero and not over, and their way back at start.
  [[nodiscard]] std::vector<WindowCount> export_windows(const Moment& at) const;
  void import_windows(std::span<const WindowCount> counts, const Moment& at);

  // Forgets subjects of which nothing matters any more. O(subjects): once a minute is enough.
  void forget_idle(const Moment& at);
  [[nodiscard]] std::size_t subjects() const { return counters_.used(); }

 private:
  struct Applying {
    std::uint32_t rule = kNone;
    std::uint32_t counter = kNone;
  };
  [[nodiscard]] Subject subject(Per per, const Caller& caller) const;
  std::uint32_t counter_for(Per per, const Caller& caller, const Caps& caps);
  std::uint32_t new_counter(Per per, Subject subject);
  void make_room();
  void forget(std::uint32_t index);
  void append(std::uint32_t index);
  void unlink(std::uint32_t index);
  void end(const Reservation& reservation, std::uint64_t tokens, const Moment& at);
  void complete(Overrun& overrun) const;

  LimitRules rules_;
  std::uint64_t seed_;
  std::uint32_t max_subjects_;
  Slab<LimitCounter> counters_;
  SubjectTable index_;
  std::uint32_t oldest_ = kNone;  // by last use
  std::uint32_t newest_ = kNone;
  double held_ = 0;  // mean nanoseconds a call lasts: when a place of `concurrency` becomes free
};

}  // namespace intragate::qos

// Hands out one model's slots fairly by tokens and keeps the bounded queue in front of them: events in, decisions out.
// Owner:   pipeline's lane, one for each model; it outlives every Place.
// Thread:  one call at a time: loops that share a model hold a mutex for the length of a call, which is bounded.
// Does not: read a clock, wake anybody, know endpoints or HTTP. Grants and expiries are returned: the caller tells.
// Rule:    docs/decisions/0007-fair-queue.md. Keys share by tokens and weight, users of a key likewise (fair_tree.h);
//          calls of one user are served in order; no slot is idle while somebody waits. batch gets a slot when nobody
//          interactive waits; and if some of it waits and none was served for batch_patience, the next slot is its.
// Cost:    join, leave, finish: O(log n) in those who wait; O(1) without a queue; no allocation once grown. A waiting
//          call takes about 100 bytes, and 250 more if its user has no other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "qos/claim.h"
#include "qos/fair_tree.h"
#include "qos/index_heap.h"
#include "qos/pace.h"
#include "qos/slab.h"

namespace intragate::qos {

inline constexpr std::uint32_t kUnlimitedSlots = UINT32_MAX;

// What can be seen from outside: metrics, `explain`, the console.
struct SchedulerFacts {
  std::uint32_t slots = 0;
  std::uint32_t running = 0;
  std::array<std::uint32_t, 2> waiting{};  // by Priority
  Duration per_call{};                     // mean time a call holds its slot; zero: not known yet
  std::size_t known_users = 0;             // remembered, those with calls included
};

class Scheduler {
 public:
  Scheduler(std::uint32_t slots, const QueueBounds& bounds) : slots_{slots}, bounds_{bounds} {}

  // A slot, a place in the queue, or no. After `waiting`, the end of the wait is a Grant, a Displaced, an Expired, or
  // leave().
  [[nodiscard]] Joined join(const Claim& claim, TimePoint now);
  // The call is not interested any more. `slot`: it has been granted one in the meantime, and must finish() it.
  Left leave(Place place);
  // The call is over and its slot free. `cost`: the real one. Who gets the slot, if anybody. A place that holds no slot
  // (finished already) changes nothing.
  [[nodiscard]] std::optional<Grant> finish(Place place, std::uint64_t cost, TimePoint now);
  // The same with the cost that was estimated: nobody knows the real one. It says nothing about the pace.
  [[nodiscard]] std::optional<Grant> finish(Place place, TimePoint now);
  // The same for a slot that was never used: it costs nothing, and says nothing about the pace.
  [[nodiscard]] std::optional<Grant> give_up(Place place, TimePoint now);
  // More slots or fewer: 0 when no endpoint is usable, kUnlimitedSlots when nothing is to be bounded. Calls that run
  // go on; with fewer slots than those, nobody is granted one until enough have ended.
  [[nodiscard]] std::vector<Grant> set_slots(std::uint32_t slots, TimePoint now);
  // For calls that come from now on.
  void set_bounds(const QueueBounds& bounds) { bounds_ = bounds; }
  // Takes out all whose deadline or max_wait has passed. They hold nothing any more.
  [[nodiscard]] std::vector<Expired> expire(TimePoint now);
  // When expire() has something to do next; TimePoint::max(): nobody waits.
  [[nodiscard]] TimePoint next_expiry() const;

  // Where a call stands; nothing if it does not wait.
  [[nodiscard]] std::optional<Standing> standing(Place place, TimePoint now) const;
  // What a call of this claim would find if it came now; nothing changes by it.
  [[nodiscard]] Forecast forecast(const Claim& claim, TimePoint now);
  [[nodiscard]] SchedulerFacts facts() const;
  // The wider one of both priorities. O(those who wait).
  [[nodiscard]] FairnessDebt debt() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  enum class State : std::uint8_t { free, waiting, running };
  struct Call {
    TimePoint expires{};
    TimePoint since{};  // when it joined; with a slot, when it got it
    std::uint64_t owner = 0;
    std::int64_t cost = 1;
    std::int64_t queued_before = 0;  // User::queued_cost when it joined
    std::uint32_t user = kNone;
    std::uint32_t next = kNone;  // of the same user
    std::uint32_t previous = kNone;
    std::uint32_t place = 0;  // in expiries_
    std::uint32_t generation = 0;
    State state = State::free;
    Priority priority = Priority::interactive;
  };
  struct ByExpiry {
    Slab<Call>& calls;
    [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const { return calls[a].expires < calls[b].expires; }
    [[nodiscard]] std::uint32_t& place(std::uint32_t item) const { return calls[item].place; }
  };

  [[nodiscard]] FairTree& tree(Priority priority) { return trees_[static_cast<std::size_t>(priority)]; }
  [[nodiscard]] const FairTree& tree(Priority priority) const { return trees_[static_cast<std::size_t>(priority)]; }
  [[nodiscard]] std::uint32_t waiting() const { return trees_[0].waiting() + trees_[1].waiting(); }
  [[nodiscard]] const Call* find(Place place, State state) const;

  std::uint32_t new_call(const Claim& claim, std::uint32_t user, TimePoint now);
  [[nodiscard]] std::optional<WhyRefused> no_room(Priority priority) const;
  [[nodiscard]] std::optional<WhyRefused> refuse(const Claim& claim, std::uint32_t user, std::optional<Duration> wait,
                                                 Duration patience) const;
  [[nodiscard]] double cost_ahead(const Call& call) const;  // of one that waits
  std::optional<Displaced> make_room(const Claim& claim, std::uint32_t user);
  [[nodiscard]] std::optional<Duration> wait_for(const Claim& claim, std::uint32_t user) const;
  [[nodiscard]] Duration wait_behind(double cost) const;
  [[nodiscard]] std::uint32_t position_behind(double cost) const;
  [[nodiscard]] Duration allowed(const Claim& claim, TimePoint now) const;
  [[nodiscard]] Refusal refusal(WhyRefused why, std::optional<Duration> wait, Duration allowed) const;
  void enqueue(std::uint32_t index);
  void dequeue(std::uint32_t index);
  void release(std::uint32_t index);
  std::optional<Grant> close(std::uint32_t index, std::int64_t overrun, TimePoint now);
  std::optional<Grant> grant(TimePoint now);
  [[nodiscard]] Priority whose_turn(TimePoint now) const;

  std::uint32_t slots_;
  std::uint32_t running_ = 0;
  QueueBounds bounds_;
  std::array<FairTree, 2> trees_;  // by Priority
  Slab<Call> calls_;
  std::uint32_t generation_ = 0;  // of the youngest call
  IndexHeap expiries_;
  Pace pace_;
  TimePoint batch_since_{};  // when batch calls began to wait, or the last one was granted
};

}  // namespace intragate::qos

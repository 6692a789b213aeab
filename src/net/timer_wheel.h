// One loop's deadlines: a single-level wheel of 16 ms slots. Arming and disarming are O(1) and allocate nothing; a
// deadline further away than one turn is looked at once a turn. Owner: Loop. Thread: the loop. Does not: read the
// clock, set kernel timers. Rule: Varghese & Lauck 1987, scheme 6.
#pragma once

#include <array>

#include "base/time.h"
#include "net/list.h"

namespace intragate::net {

struct TimerNode;

class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds{16};
  static constexpr std::size_t kSlots = 1024;

  explicit TimerWheel(TimePoint now) : done_{slot_of(now)} {}

  // Puts a node with its `at` set into its slot; returns when it will be looked at next.
  TimePoint arm(TimerNode& node);
  // Moves every node due at `now` into `due`.
  void advance(TimePoint now, ListHook& due);
  // When advance() should be called next; TimePoint::max() when nothing is armed.
  [[nodiscard]] TimePoint next() const;

 private:
  using Count = std::int64_t;
  static Count slot_of(TimePoint at) { return at.time_since_epoch() / kTick; }

  std::array<ListHook, kSlots> slots_;
  Count done_;  // every slot up to this one has been looked at
};

}  // namespace intragate::net

#include "net/timer_wheel.h"

#include <algorithm>

#include "net/wait.h"

namespace intragate::net {

TimePoint TimerWheel::arm(TimerNode& node) {
  // One slot later than exact: a deadline never fires early, and at most one tick late.
  const Count slot = std::max(slot_of(node.at) + 1, done_ + 1);
  slots_[static_cast<std::size_t>(slot) % kSlots].insert_before(node);
  const Count looked_at = done_ + 1 + (slot - done_ - 1) % static_cast<Count>(kSlots);
  return TimePoint{looked_at * kTick};
}

void TimerWheel::advance(TimePoint now, ListHook& due) {
  const Count until = slot_of(now);
  const Count first = std::max(done_ + 1, until - static_cast<Count>(kSlots) + 1);
  done_ = std::max(done_, until);
  for (Count slot = first; slot <= until; ++slot) {
    ListHook looked_at;
    looked_at.splice(slots_[static_cast<std::size_t>(slot) % kSlots]);
    while (looked_at.linked()) {
      auto& node = static_cast<TimerNode&>(*looked_at.next());
      if (node.at <= now) {
        due.insert_before(node);
      } else {
        arm(node);
      }
    }
  }
}

TimePoint TimerWheel::next() const {
  for (Count ahead = 1; ahead <= static_cast<Count>(kSlots); ++ahead) {
    const Count slot = done_ + ahead;
    if (slots_[static_cast<std::size_t>(slot) % kSlots].linked()) return TimePoint{slot * kTick};
  }
  return TimePoint::max();
}

}  // namespace intragate::net

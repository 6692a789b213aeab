#include "net/timer_wheel.h"

#include <gtest/gtest.h>

#include "net/wait.h"

namespace intragate::net {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1'000'000s};

bool due_at(TimerWheel& wheel, TimePoint now, TimerNode& node) {
  ListHook due;
  wheel.advance(now, due);
  const bool found = due.linked() && due.next() == &node;
  node.unlink();
  return found;
}

TEST(TimerWheel, FiresNeverEarlyAndAtMostTwoTicksLate) {
  for (const Duration after :
       {Duration{0}, Duration{1ms}, Duration{16ms}, Duration{250ms}, Duration{16s}, Duration{40s}}) {
    TimerWheel wheel{kStart};
    TimerNode node;
    node.at = kStart + after;
    wheel.arm(node);
    TimePoint now = kStart;
    ListHook due;
    while (!due.linked()) {
      now = std::max(now + 1ms, wheel.next());
      wheel.advance(now, due);
      ASSERT_LE(now, node.at + 2 * TimerWheel::kTick);
    }
    EXPECT_GE(now, node.at);
  }
}

TEST(TimerWheel, ArmSaysWhenToLookNext) {
  TimerWheel wheel{kStart};
  EXPECT_EQ(wheel.next(), TimePoint::max());
  TimerNode late;
  late.at = kStart + 5s;
  TimerNode early;
  early.at = kStart + 1s;
  const TimePoint look_late = wheel.arm(late);
  EXPECT_EQ(look_late, wheel.next());
  const TimePoint look_early = wheel.arm(early);
  EXPECT_EQ(look_early, wheel.next());
  EXPECT_LT(wheel.next(), kStart + 1s + 2 * TimerWheel::kTick);
}

TEST(TimerWheel, UnlinkedNodeDoesNotFire) {
  TimerWheel wheel{kStart};
  TimerNode node;
  node.at = kStart + 1s;
  wheel.arm(node);
  node.unlink();
  EXPECT_FALSE(due_at(wheel, kStart + 10s, node));
}

TEST(TimerWheel, LongPauseBetweenLooksLosesNothing) {
  TimerWheel wheel{kStart};
  TimerNode node;
  node.at = kStart + 3s;
  wheel.arm(node);
  EXPECT_TRUE(due_at(wheel, kStart + 1h, node));
}

TEST(TimerWheel, DeadlineBeyondOneTurnWaitsForItsTurn) {
  TimerWheel wheel{kStart};
  TimerNode node;
  node.at = kStart + 10min;
  wheel.arm(node);
  ListHook due;
  for (TimePoint now = kStart; now < kStart + 9min; now += 1s) wheel.advance(now, due);
  EXPECT_FALSE(due.linked());
  EXPECT_TRUE(due_at(wheel, kStart + 10min + 1s, node));
}

}  // namespace
}  // namespace intragate::net

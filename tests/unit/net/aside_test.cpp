#include "net/aside.h"

#include <gtest/gtest.h>

#include <array>
#include <future>
#include <optional>

#include "net/loop.h"

namespace intragate::net {
namespace {

using namespace std::chrono_literals;

Task<void> ask(Loop& loop, Aside& aside, Aside::Work work, Until until, std::optional<Wake>& woke, int& left) {
  woke = co_await aside.run(std::move(work), until);
  if (--left == 0) loop.stop();
}

Task<void> open_when_asked(Loop& loop, std::promise<void>& gate) {
  co_await Yield{loop};
  gate.set_value();
}

TEST(Aside, TheLoopGoesOnMeanwhile) {
  Loop loop{0};
  Aside aside{loop};
  std::promise<void> gate;  // that only the loop opens
  std::thread::id where;
  std::optional<Wake> woke;
  int left = 1;
  const Aside::Work work = [&] {
    gate.get_future().wait();
    where = std::this_thread::get_id();
  };
  loop.spawn(ask(loop, aside, work, {}, woke, left));
  loop.spawn(open_when_asked(loop, gate));
  loop.run();
  EXPECT_EQ(woke, Wake::ready);
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST(Aside, WorkIsDoneInTurn) {
  Loop loop{0};
  Aside aside{loop};
  std::string order;  // of the thread alone until all are done
  std::array<std::optional<Wake>, 3> woke;
  int left = 3;
  for (std::size_t i = 0; i < woke.size(); ++i) {
    const Aside::Work write = [&order, i] { order += std::to_string(i); };
    loop.spawn(ask(loop, aside, write, {}, woke[i], left));
  }
  loop.run();
  EXPECT_EQ(order, "012");
  EXPECT_EQ(woke[2], Wake::ready);
}

// Opens the gate when its own wait is over.
Task<void> ask_and_open(Aside& aside, Aside::Work work, Until until, std::optional<Wake>& woke,
                        std::promise<void>& gate) {
  woke = co_await aside.run(std::move(work), until);
  gate.set_value();
}

TEST(Aside, WhatNobodyWaitsForAnyMoreIsNotBegun) {
  Loop loop{0};
  bool begun = false;
  std::promise<void> gate;
  std::array<std::optional<Wake>, 3> woke;
  Aside aside{loop};
  Cancellation cancellation;
  int left = 2;
  const Until leaves{Deadline{}, &cancellation};
  const Aside::Work hold = [&] { gate.get_future().wait(); };
  const Aside::Work mark = [&] { begun = true; };
  const Aside::Work nothing = [] {};
  loop.spawn(ask(loop, aside, hold, {}, woke[0], left));
  loop.spawn(ask_and_open(aside, mark, leaves, woke[1], gate));
  loop.spawn(ask(loop, aside, nothing, {}, woke[2], left));
  loop.post([&] { cancellation.fire(CancelReason::client_gone); });
  loop.run();
  EXPECT_EQ(woke[1], Wake::cancelled);
  EXPECT_EQ(woke[2], Wake::ready) << "what came behind it";
  EXPECT_FALSE(begun);
}

TEST(Aside, ACallThatIsDestroyedLeavesItsWorkBehind) {
  Loop loop{0};
  std::promise<void> gate;
  std::optional<Wake> woke;
  int left = 2;
  {
    Aside aside{loop};
    const Aside::Work hold = [&] { gate.get_future().wait(); };
    loop.spawn(ask(loop, aside, hold, {}, woke, left));
    loop.post([&] { loop.stop(); });
    loop.run();
    loop.end_tasks();
    gate.set_value();
  }
  EXPECT_FALSE(woke);
}

}  // namespace
}  // namespace intragate::net

#include "net/loop.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "net/http_client.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "net/wait.h"

namespace intragate::net {
namespace {

using namespace std::chrono_literals;

const SocketAddress kAnyPort{IpAddress::v4({127, 0, 0, 1}), 0};

Task<void> pause_then(Loop& loop, Until until, Wake& woke) {
  woke = co_await Pause{loop, until};
  loop.stop();
}

TEST(Loop, PauseEndsAtItsDeadline) {
  Loop loop{0};
  Wake woke = Wake::ready;
  const TimePoint begun = MonotonicClock::now();
  loop.spawn(pause_then(loop, {Deadline::in(loop.now(), 30ms), nullptr}, woke));
  loop.run();
  EXPECT_EQ(woke, Wake::deadline);
  EXPECT_GE(MonotonicClock::now() - begun, 30ms);
}

TEST(Cancellation, FirstReasonStaysUntilItIsWithdrawn) {
  Cancellation cancellation;
  cancellation.fire(CancelReason::operator_request);
  cancellation.fire(CancelReason::client_gone);
  EXPECT_EQ(cancellation.reason(), CancelReason::operator_request);
  cancellation.withdraw();
  EXPECT_FALSE(cancellation.fired());
  cancellation.fire(CancelReason::client_gone);
  EXPECT_EQ(cancellation.reason(), CancelReason::client_gone);
}

TEST(Loop, CancellationEndsAWaitThatHasNoDeadline) {
  Loop loop{0};
  Wake woke = Wake::ready;
  Cancellation cancellation;
  loop.spawn(pause_then(loop, {Deadline{}, &cancellation}, woke));
  loop.post([&] { cancellation.fire(CancelReason::operator_request); });
  loop.run();
  EXPECT_EQ(woke, Wake::cancelled);
  EXPECT_EQ(cancellation.reason(), CancelReason::operator_request);
}

TEST(Loop, FirstCancelReasonStays) {
  Cancellation cancellation;
  cancellation.fire(CancelReason::client_gone);
  cancellation.fire(CancelReason::shutdown);
  EXPECT_EQ(cancellation.reason(), CancelReason::client_gone);
}

Task<void> wait_signal(Loop& loop, Signal& signal, Until until, Wake& woke) {
  woke = co_await signal.wait(loop, until);
  loop.stop();
}

TEST(Loop, SignalSetBeforeTheWaitIsNotLost) {
  Loop loop{0};
  Signal signal;
  signal.set();
  Wake woke = Wake::deadline;
  loop.spawn(wait_signal(loop, signal, {Deadline::in(loop.now(), 10s), nullptr}, woke));
  EXPECT_EQ(woke, Wake::ready);
}

Task<void> yield_often(Loop& loop, int& count) {
  for (count = 0; count < 1'000; ++count) co_await Yield{loop};
  loop.stop();
}

TEST(Loop, YieldingTaskDoesNotKeepTimersWaiting) {
  Loop loop{0};
  int count = 0;
  Wake woke = Wake::ready;
  int count_at_wake = -1;
  loop.spawn(yield_often(loop, count));
  struct Watch {
    static Task<void> run(Loop& loop, Wake& woke, const int& count, int& seen) {
      woke = co_await Pause{loop, {Deadline::in(loop.now(), 1ms), nullptr}};
      seen = count;
    }
  };
  loop.spawn(Watch::run(loop, woke, count, count_at_wake));
  loop.run();
  EXPECT_EQ(count, 1'000);
}

TEST(Loop, UnfinishedTasksDieWithTheLoop) {
  struct Probe {
    bool& dead;
    ~Probe() { dead = true; }
  };
  struct Forever {
    static Task<void> run(Loop& loop, bool& dead) {
      const Probe probe{dead};
      (void)co_await Pause{loop, {}};
    }
  };
  bool dead = false;
  {
    Loop loop{0};
    loop.spawn(Forever::run(loop, dead));
    EXPECT_EQ(loop.tasks(), 1U);
    EXPECT_FALSE(dead);
  }
  EXPECT_TRUE(dead);
}

// A connected pair over loopback, accepted on the loop.
struct Served {
  std::string got;
  bool hung_up = false;
};

Task<void> accept_one(Loop& loop, Listener& listener, Served& served) {
  std::optional<Listener::Accepted> accepted = listener.accept();
  while (!accepted) {
    (void)co_await listener.wait(loop, {});
    accepted = listener.accept();
  }
  std::array<char, 64> space{};
  Cancellation gone;
  accepted->socket.on_hangup(loop, &gone);
  while (!gone.fired()) {
    const Socket::Moved moved = accepted->socket.read(space);
    if (moved.io == Socket::Io::done) served.got.append(space.data(), moved.bytes);
    if (moved.io != Socket::Io::blocked) continue;
    (void)co_await accepted->socket.wait(loop, Interest::read, {Deadline::in(loop.now(), 10s), &gone});
  }
  served.hung_up = true;
  loop.stop();
}

Task<void> connect_and_leave(Loop& loop, SocketAddress address) {
  Result<Socket> socket = co_await connect(loop, address, {Deadline::in(loop.now(), 10s), nullptr});
  EXPECT_TRUE(socket);
  const std::array<std::string_view, 3> pieces{"ab", "", "cd"};
  EXPECT_EQ(socket->write(pieces).bytes, 4U);
}

TEST(Loop, BytesArriveAndAHangUpIsTold) {
  Loop loop{0};
  Result<Listener> listener = Listener::open(kAnyPort, Listener::Sharing::first);
  ASSERT_TRUE(listener);
  Served served;
  loop.spawn(accept_one(loop, *listener, served));
  loop.spawn(connect_and_leave(loop, listener->address()));
  loop.run();
  EXPECT_TRUE(served.hung_up);
  loop.end_tasks();
}

// Waits again and again for what is there already: until its deadline, or for ever.
Task<void> wait_for_what_is_there(Loop& loop, SocketAddress address, Wake& woke) {
  Result<Socket> socket = co_await connect(loop, address, {Deadline::in(loop.now(), 10s), nullptr});
  EXPECT_TRUE(socket);
  const Until until{Deadline::in(loop.now(), 1ms), nullptr};
  for (int i = 0; i < 10'000'000 && woke == Wake::ready; ++i) {
    woke = co_await socket->wait(loop, Interest::write, until);
  }
  loop.stop();
}

TEST(Loop, WhatIsAlwaysReadyDoesNotKeepDeadlinesWaiting) {
  Loop loop{0};
  Result<Listener> listener = Listener::open(kAnyPort, Listener::Sharing::first);
  ASSERT_TRUE(listener);
  Wake woke = Wake::ready;
  loop.spawn(wait_for_what_is_there(loop, listener->address(), woke));
  loop.run();
  EXPECT_EQ(woke, Wake::deadline);
}

Task<void> connect_nowhere(Loop& loop, SocketAddress address, Code& code) {
  Result<Socket> socket = co_await connect(loop, address, {Deadline::in(loop.now(), 10s), nullptr});
  if (!socket) code = socket.error().code;
  loop.stop();
}

TEST(Loop, RefusedConnectionIsUnreachable) {
  Loop loop{0};
  SocketAddress nobody;
  {
    Result<Listener> listener = Listener::open(kAnyPort, Listener::Sharing::first);
    ASSERT_TRUE(listener);
    nobody = listener->address();
  }
  Code code = Code::internal;
  loop.spawn(connect_nowhere(loop, nobody, code));
  loop.run();
  EXPECT_EQ(code, Code::upstream_unreachable);
}

TEST(Listener, TakenPortIsRefusedWithItsReason) {
  Result<Listener> first = Listener::open(kAnyPort, Listener::Sharing::first);
  ASSERT_TRUE(first);
  Result<Listener> again = Listener::open(first->address(), Listener::Sharing::first);
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message.find("in use"), std::string::npos);
  EXPECT_TRUE(Listener::open(first->address(), Listener::Sharing::another));
}

Task<void> resolve(Loop& loop, std::string name, std::vector<IpAddress>& into) {
  Result<std::vector<IpAddress>> found =
      co_await loop.resolver().resolve(name, {Deadline::in(loop.now(), 10s), nullptr});
  if (found) into = *found;
  loop.stop();
}

TEST(Resolver, KnowsLiteralsAndLocalhost) {
  for (const std::string name : {"127.0.0.1", "::1", "localhost"}) {
    Loop loop{0};
    std::vector<IpAddress> found;
    loop.spawn(resolve(loop, name, found));
    loop.run();
    ASSERT_FALSE(found.empty()) << name;
    EXPECT_TRUE(AddressList::private_ranges().contains(found.front())) << name;
  }
}

}  // namespace
}  // namespace intragate::net

// A pool with a real listener on the same loop; each test is one coroutine. What answers do to a connection is the
// end-to-end tests' part.
#include "upstream/pool.h"

#include <gtest/gtest.h>

#include "net/listener.h"
#include "net/loop.h"
#include "net/wait.h"

namespace intragate::upstream {
namespace {

using namespace std::chrono_literals;

constexpr Duration kPatience = 10s;

class Pooling : public testing::Test {
 public:
  void SetUp() override {
    Result<net::Listener> opened =
        net::Listener::open({IpAddress::v4({127, 0, 0, 1}), 0}, net::Listener::Sharing::first);
    ASSERT_TRUE(opened);
    listener.emplace(std::move(*opened));
    endpoint = endpoint_here();
  }

  std::shared_ptr<Endpoint> endpoint_here() const {
    config::Endpoint configured;
    configured.host = listener->address().ip.text();
    configured.port = listener->address().port;
    return std::make_shared<Endpoint>("m/0", configured, config::Health{});
  }

  // Runs `test` to its end on the loop.
  void run(net::Task<void> test) {
    loop.spawn(stopping(loop, std::move(test)));
    loop.run();
    loop.end_tasks();
  }

  net::Until soon() { return {Deadline::in(loop.now(), kPatience), nullptr}; }

  // Both ends of a new connection.
  struct Pair {
    Connection ours;
    net::Socket models;
  };
  net::Task<Pair> connected() {
    Result<Connection> made = co_await pool.connect(endpoint, AddressList::any(), soon());
    EXPECT_TRUE(made);
    std::optional<net::Listener::Accepted> one = listener->accept();
    while (!one) {
      (void)co_await listener->wait(loop, soon());
      one = listener->accept();
    }
    co_return Pair{std::move(*made), std::move(one->socket)};
  }
  // Until the connection's own end has noticed what the model did.
  net::Task<void> noticed(Connection& connection) {
    EXPECT_EQ(co_await connection.client().readable(soon()), net::Wake::ready);
  }
  [[nodiscard]] std::uint32_t idle() const { return endpoint->idle_connections.load(); }

  net::Loop loop{0};
  Pool pool{loop};
  std::optional<net::Listener> listener;
  std::shared_ptr<Endpoint> endpoint;

 private:
  static net::Task<void> stopping(net::Loop& loop, net::Task<void> test) {
    co_await test;
    loop.stop();
  }
};

net::Task<void> kept_serves_again(Pooling& t) {
  Pooling::Pair pair = co_await t.connected();
  EXPECT_FALSE(pair.ours.reused());
  const net::HttpClient* const client = &pair.ours.client();
  pair.ours.keep();
  pair.ours = Connection{};
  EXPECT_EQ(t.idle(), 1U);
  Connection again = t.pool.take_idle(t.endpoint);
  EXPECT_TRUE(again.open() && again.reused());
  EXPECT_EQ(&again.client(), client);
  EXPECT_EQ(t.idle(), 0U);
  EXPECT_FALSE(t.pool.take_idle(t.endpoint).open()) << "one connection, one call";
}
TEST_F(Pooling, KeptConnectionServesAnotherCall) {
  run(kept_serves_again(*this));
}

net::Task<void> newest_first(Pooling& t) {
  Pooling::Pair first = co_await t.connected();
  Pooling::Pair second = co_await t.connected();
  const net::HttpClient* const newest = &second.ours.client();
  for (Pooling::Pair* pair : {&first, &second}) {
    pair->ours.keep();
    pair->ours = Connection{};
  }
  EXPECT_EQ(t.idle(), 2U);
  EXPECT_EQ(&t.pool.take_idle(t.endpoint).client(), newest);
}
TEST_F(Pooling, ConnectionUsedLastIsTakenFirst) {
  run(newest_first(*this));
}

net::Task<void> dropped_is_closed(Pooling& t) {
  Pooling::Pair pair = co_await t.connected();
  pair.ours.keep();
  pair.ours.drop();
  EXPECT_EQ(t.idle(), 0U);
  std::array<char, 8> space{};
  net::Socket::Moved moved = pair.models.read(space);
  while (moved.io == net::Socket::Io::blocked) {
    (void)co_await pair.models.wait(t.loop, net::Interest::read, t.soon());
    moved = pair.models.read(space);
  }
  EXPECT_EQ(moved.io, net::Socket::Io::closed);
}
TEST_F(Pooling, DroppedConnectionIsClosedThoughItWasToBeKept) {
  run(dropped_is_closed(*this));
}

net::Task<void> dead_in_the_pool(Pooling& t) {
  Pooling::Pair pair = co_await t.connected();
  pair.ours.keep();
  pair.models.close();
  co_await t.noticed(pair.ours);
  pair.ours = Connection{};
  EXPECT_EQ(t.idle(), 1U);
  EXPECT_FALSE(t.pool.take_idle(t.endpoint).open());
  EXPECT_EQ(t.idle(), 0U);
}
TEST_F(Pooling, ConnectionThatTheModelClosedIsNotUsed) {
  run(dead_in_the_pool(*this));
}

net::Task<void> speaks_unasked(Pooling& t) {
  Pooling::Pair pair = co_await t.connected();
  const std::array<std::string_view, 1> answer{"HTTP/1.1 200 OK\r\n\r\n"};
  (void)pair.models.write(answer);
  pair.ours.keep();
  co_await t.noticed(pair.ours);
  pair.ours = Connection{};
  EXPECT_FALSE(t.pool.take_idle(t.endpoint).open());
}
TEST_F(Pooling, ConnectionOnWhichTheModelSpeaksUnaskedIsNotUsed) {
  run(speaks_unasked(*this));
}

net::Task<void> bytes_behind(Pooling& t) {
  Pooling::Pair pair = co_await t.connected();
  const std::array<std::string_view, 1> more{"HTTP/1.1 200 OK\r\n\r\n"};
  (void)pair.models.write(more);
  co_await t.noticed(pair.ours);
  EXPECT_EQ(pair.ours.client().fill(100), net::HttpClient::Fill::more);
  pair.ours.keep();
  pair.ours = Connection{};
  EXPECT_EQ(t.idle(), 0U) << "whoever came next would take them for his answer";
}
TEST_F(Pooling, ConnectionWithBytesBehindTheAnswerIsNotKept) {
  run(bytes_behind(*this));
}

net::Task<void> egress_asked(Pooling& t) {
  const AddressList nowhere;
  Result<Connection> refused = co_await t.pool.connect(t.endpoint, nowhere, t.soon());
  EXPECT_FALSE(refused);
  if (!refused) {
    EXPECT_EQ(refused.error().code, Code::egress_denied);
  }
  EXPECT_FALSE(t.listener->accept()) << "nothing may be sent there, no SYN either";
}
TEST_F(Pooling, AddressThatEgressDoesNotAllowIsNotConnectedTo) {
  run(egress_asked(*this));
}

net::Task<void> renewed(Pooling& t) {
  Pooling::Pair resting = co_await t.connected();
  Pooling::Pair at_work = co_await t.connected();
  resting.ours.keep();
  resting.ours = Connection{};
  t.loop.fresh_now();
  t.pool.renew();
  EXPECT_EQ(t.idle(), 0U);
  at_work.ours.keep();
  at_work.ours = Connection{};
  EXPECT_EQ(t.idle(), 0U) << "it was made under the old rules";
}
TEST_F(Pooling, NoConnectionFromBeforeRenewServesAnotherCall) {
  run(renewed(*this));
}

net::Task<void> endpoint_gone(Pooling& t) {
  Pooling::Pair pair = co_await t.connected();
  pair.ours.keep();
  pair.ours = Connection{};
  t.endpoint = t.endpoint_here();  // as a reload does; the old one dies
  EXPECT_FALSE(t.pool.take_idle(t.endpoint).open());
  t.pool.sweep();
  std::array<char, 8> space{};
  while (pair.models.read(space).io == net::Socket::Io::blocked) {
    if (co_await pair.models.wait(t.loop, net::Interest::read, t.soon()) == net::Wake::deadline) break;
  }
  EXPECT_EQ(pair.models.read(space).io, net::Socket::Io::closed);
}
TEST_F(Pooling, SweepClosesConnectionsOfEndpointsThatAreGone) {
  run(endpoint_gone(*this));
}

net::Task<void> nobody_there(Pooling& t) {
  t.listener->close();
  Result<Connection> made = co_await t.pool.connect(t.endpoint, AddressList::any(), t.soon());
  EXPECT_FALSE(made);
  if (!made) {
    EXPECT_EQ(made.error().code, Code::upstream_unreachable);
  }
}
TEST_F(Pooling, RefusedConnectionIsUnreachable) {
  run(nobody_there(*this));
}

net::Task<void> client_leaves(Pooling& t) {
  net::Cancellation gone;
  gone.fire(net::CancelReason::client_gone);
  Result<Connection> made =
      co_await t.pool.connect(t.endpoint, AddressList::any(), {Deadline::in(t.loop.now(), kPatience), &gone});
  EXPECT_FALSE(made);
  if (!made) {
    EXPECT_EQ(made.error().code, Code::client_gone);
  }
}
TEST_F(Pooling, NobodyIsConnectedForAClientThatLeft) {
  run(client_leaves(*this));
}

}  // namespace
}  // namespace intragate::upstream

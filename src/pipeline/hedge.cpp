#include "pipeline/hedge.h"

#include "net/child.h"
#include "net/loop.h"
#include "pipeline/choose.h"
#include "pipeline/judge.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using metrics::Metric;
using Trying = net::Child<Result<Unit>>;

constexpr Duration kLook = std::chrono::milliseconds{50};  // between looks whether another endpoint has room

// How long to wait for the first byte before another endpoint is asked; nothing: too little is known.
std::optional<Duration> patience(const Exchange& x) {
  const Duration fixed = x.lane->model.hedge.after;
  if (fixed > Duration::zero()) return fixed;
  return x.lane->first_bytes->p95(x.call.stream, x.worker.loop().now());
}

// An attempt with the one more that a connection needs which died in the pool.
net::Task<Result<Unit>> whole_attempt(Exchange& x, Attempt& a, Take take) {
  Result<Unit> received = co_await attempt(x, a, take);
  if (received || received.error().retry != Retry::fresh_connection) co_return received;
  a.upstream = {};
  Result<Unit> again = co_await attempt(x, a, Take::new_connection);
  co_return again;
}

// The second attempt, as long as it runs.
struct Hedge {
  Ticket<Gate> slot;  // given back last
  Attempt attempt;
  std::optional<Trying> trying;
};

// Whether the call gets a hedge now; then the endpoint is chosen and entered. The budget is asked last, so that only
// hedges that happen use it up.
enum class Start : std::uint8_t { started, no_room, no_budget };
Start start(Exchange& x, Hedge& hedge) {
  const TimePoint now = x.worker.loop().now();
  Gate::Spare spare = x.lane->gate->take_spare(now);
  if (!spare.free || !choose_beside(x, hedge.attempt)) return Start::no_room;
  if (!x.worker.state_of(*x.lane).hedges.take(now)) return Start::no_budget;
  hedge.slot = std::move(spare.slot);
  enter(x, hedge.attempt);
  hedge.attempt.cancellation = nullptr;
  ++x.attempts;
  x.hedged = true;
  return Start::started;
}

void count(Exchange& x, std::string_view result) {
  x.worker.metrics().counter(Metric::hedges, {x.lane->name, result}).add();
}

// An answer for the client, be it that his request is wrong: no need to wait for the other one.
bool decides(const Attempt& a, const Result<Unit>& received) {
  if (!received) return false;
  const int status = a.answer.head.status;
  return (status >= 200 && status < 300) || (passes_unchanged(status) && !upstream::retryable_status(status));
}

// The attempt's place is free for the next call, and its model learns that nobody waits for it any more.
void drop(std::optional<Trying>& trying, Attempt& a) {
  trying.reset();
  a.upstream.drop();
  a.place = {};
}

void take_over(Exchange& x, Hedge& hedge) {
  hedge.trying.reset();
  static_cast<Attempt&>(x) = std::move(hedge.attempt);
}

// The first one lost: it is known to take longer than it has taken so far.
void note_loss(const Exchange& x, TimePoint sent_before) {
  if (x.sent_at == sent_before) return;  // not even connected
  const TimePoint now = x.worker.loop().now();
  x.lane->first_bytes->count(x.call.stream, now - x.sent_at, now);
}

struct Race {
  net::Signal news;
  Hedge hedge;            // the two attempts write to what stands above them
  TimePoint sent_before;  // what x.sent_at says of an earlier attempt
  std::optional<Trying> first;
};

// Waits until one of the two has ended. False: the client has left.
net::Task<bool> hear(Exchange& x, Race& race) {
  for (;;) {
    if (race.first && race.first->ended()) co_return true;
    if (race.hedge.trying && race.hedge.trying->ended()) co_return true;
    race.news.clear();
    const net::Wake wake = co_await race.news.wait(x.worker.loop(), {Deadline{}, &x.connection.cancellation()});
    if (wake == net::Wake::cancelled) co_return false;
  }
}

// Both run. The result is that of the exchange's own attempt, which the better of the two has become.
net::Task<Result<Unit>> run(Exchange& x, Race& race) {
  Hedge& hedge = race.hedge;
  bool alone = false;  // the other one has failed
  for (;;) {
    const bool here = co_await hear(x, race);
    if (!here) {
      count(x, "cancelled");
      co_return make_error(Code::client_gone, {});
    }
    const bool own = race.first && race.first->ended();
    Attempt& ended = own ? static_cast<Attempt&>(x) : hedge.attempt;
    Result<Unit> received = own ? race.first->take() : hedge.trying->take();
    if (alone || decides(ended, received)) {
      const bool good = decides(ended, received);
      count(x, !good ? "failed" : own ? "lost" : "won");
      if (own) {
        drop(hedge.trying, hedge.attempt);
      } else {
        if (!alone) note_loss(x, race.sent_before);
        drop(race.first, x);
        take_over(x, hedge);
      }
      co_return received;
    }
    (void)judge(x, ended, std::move(received));
    (own ? race.first : hedge.trying).reset();
    release(ended);
    alone = true;
  }
}

}  // namespace

bool may_hedge(const Exchange& x) {
  return x.lane->model.hedge.on && !x.hedged && !x.upload && x.lane->endpoints.size() > 1;
}

net::Task<Result<Unit>> attempt_hedged(Exchange& x, Take take) {
  if (x.attempts == 1) x.worker.state_of(*x.lane).hedges.count_call(x.worker.loop().now());
  const std::optional<Duration> late = patience(x);
  if (!late) {
    Result<Unit> received = co_await attempt(x, x, take);
    co_return received;
  }
  net::Loop& loop = x.worker.loop();
  Race race;
  x.cancellation = nullptr;
  race.sent_before = x.sent_at;
  race.first.emplace(whole_attempt(x, x, take), race.news);
  TimePoint look = loop.now() + *late;
  bool told = false;
  while (!race.first->ended()) {
    const net::Wake wake = co_await race.news.wait(loop, {Deadline{look}, &x.connection.cancellation()});
    if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
    if (wake != net::Wake::deadline || race.first->ended()) continue;
    const Start started = start(x, race.hedge);
    if (started == Start::started) {
      race.hedge.trying.emplace(whole_attempt(x, race.hedge.attempt, Take::any_connection), race.news);
      Result<Unit> received = co_await run(x, race);
      co_return received;
    }
    if (!told) count(x, started == Start::no_budget ? "no_budget" : "no_room");
    told = true;
    look = loop.now() + (started == Start::no_budget ? *late + kLook : kLook);
  }
  co_return race.first->take();
}

void note_first_byte(const Exchange& x) {
  if (!x.lane->model.hedge.on || !x.first_byte) return;
  const TimePoint now = x.worker.loop().now();
  // What is no stream is there when all of it is.
  const TimePoint there = x.answer.event_stream ? *x.first_byte : now;
  x.lane->first_bytes->count(x.call.stream, there - x.sent_at, now);
}

}  // namespace intragate::pipeline

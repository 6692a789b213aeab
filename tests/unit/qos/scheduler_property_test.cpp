// What holds whatever happens: a naive model of the queue runs beside the scheduler for thousands of random steps.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "qos/scheduler.h"

namespace intragate::qos {
namespace {

using namespace std::chrono_literals;

Subject key_named(std::uint64_t number) {
  return subject_of("key" + std::to_string(number), 3);
}

// Everything that was ever given in and has not come out, by owner.
struct Known {
  Claim claim;
  Place place;
  bool running = false;
  TimePoint joined;
  TimePoint expires;
};

class Machine {
 public:
  Machine(std::uint64_t seed, const QueueBounds& bounds) : random_{seed}, bounds_{bounds}, scheduler_{slots_, bounds} {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      now_ += Duration{static_cast<Duration::rep>(random_.unit() * 2e8)};
      step();
      check();
    }
  }
  // Everybody leaves: nothing may remain.
  void drain() {
    while (!calls_.empty() && !testing::Test::HasFailure()) {
      const auto one = calls_.begin();
      one->second.running ? finish(one->first) : leave(one->first);
      check();
    }
    const SchedulerFacts facts = scheduler_.facts();
    EXPECT_EQ(facts.running, 0U);
    EXPECT_EQ(facts.waiting[0] + facts.waiting[1], 0U);
    EXPECT_EQ(scheduler_.next_expiry(), TimePoint::max());
    EXPECT_EQ(scheduler_.debt().keys, 0U);
    EXPECT_EQ(scheduler_.debt().users, 0U);
    // What is left of those who left would stand before a batch call.
    take_grants(scheduler_.set_slots(1, now_));
    EXPECT_EQ(scheduler_.join({.owner = ++last_owner_}, now_).as, Joined::As::admitted);
    const Forecast forecast = scheduler_.forecast({.priority = Priority::batch, .cost = 1}, now_);
    EXPECT_EQ(forecast.position, 1U);
    EXPECT_EQ(forecast.expected_wait, facts.per_call);
    for (const Place& place : ended_) EXPECT_EQ(scheduler_.leave(place), Left::nowhere);
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return random_.next() % limit; }

  void step() {
    const std::uint64_t dice = below(100);
    if (dice < 45) return join();
    if (dice < 75) return with_one(true, [this](std::uint64_t owner) { finish(owner); });
    if (dice < 85) return with_one(false, [this](std::uint64_t owner) { leave(owner); });
    if (dice < 90) return expire();
    if (dice < 93) return stale();
    if (dice < 95) return take_grants(scheduler_.set_slots(slots_ = static_cast<std::uint32_t>(below(13)), now_));
    if (dice < 97) return with_one(false, [this](std::uint64_t owner) { look(owner); });
    bounds_.size = 1 + static_cast<std::uint32_t>(below(60));
    scheduler_.set_bounds(bounds_);
    loosened_ = true;
  }

  Claim random_claim() {
    const Subject key = key_named(below(4));
    const std::uint64_t user = below(6);
    Claim claim{.key = key, .user = user == 0 ? key : user_of(key, "user" + std::to_string(user))};
    claim.key_weight = 1 + static_cast<std::uint32_t>(below(3));
    claim.user_weight = 1 + static_cast<std::uint32_t>(below(2));
    claim.priority = below(4) == 0 ? Priority::batch : Priority::interactive;
    claim.cost = 1 + below(2000);
    if (below(3) == 0) claim.deadline = Deadline{now_ + std::chrono::milliseconds{below(8000)}};
    claim.owner = ++last_owner_;
    return claim;
  }

  void join() {
    const Claim claim = random_claim();
    const bool free = running() < slots_;
    const Joined joined = scheduler_.join(claim, now_);
    if (free && !claim.deadline.reached(now_)) {
      EXPECT_EQ(joined.as, Joined::As::admitted) << "a free slot is never held back";
    }
    if (joined.as == Joined::As::refused) {
      EXPECT_GE(joined.refusal.retry_after, 1s);
      EXPECT_EQ(joined.refusal.waiting, waiting());
      return;
    }
    Known known{.claim = claim,
                .place = joined.place,
                .running = joined.as == Joined::As::admitted,
                .joined = now_,
                .expires = {}};
    known.expires = std::min(now_ + bounds_.max_wait, claim.deadline.at());
    if (joined.displaced) take_out(*joined.displaced, claim);
    if (!known.running) {
      if (!joined.displaced) {
        EXPECT_LT(waiting(), bounds_.size) << "the queue has its size";
        if (claim.priority == Priority::batch) {
          EXPECT_LT(waiting_for(Priority::batch), std::max(1U, bounds_.size * bounds_.batch_percent / 100));
        }
      }
      const bool named = claim.user != claim.key;
      const std::uint32_t share = std::max(1U, bounds_.size * bounds_.user_percent / 100);
      if (named) {
        EXPECT_LT(count([&](const Known& one) {
                    return !one.running && one.claim.user == claim.user && one.claim.priority == claim.priority;
                  }),
                  share);
      }
    }
    if (!known.running && claim.priority == Priority::batch && waiting_for(Priority::batch) == 0) batch_since_ = now_;
    calls_.emplace(claim.owner, known);
  }

  void take_out(const Displaced& displaced, const Claim& claim) {
    ASSERT_TRUE(calls_.contains(displaced.owner));
    const Known known = calls_.at(displaced.owner);
    EXPECT_FALSE(known.running);
    EXPECT_EQ(known.place, displaced.place);
    EXPECT_EQ(known.claim.priority, claim.priority);
    const auto of_user = [&](const Claim& one) {
      return count([&](const Known& other) {
        return !other.running && other.claim.user == one.user && other.claim.priority == one.priority;
      });
    };
    EXPECT_GE(of_user(known.claim), 2U) << "nobody's only call";
    EXPECT_NE(known.claim.user, claim.user) << "nor one's own";
    ended_.push_back(known.place);
    calls_.erase(displaced.owner);
  }

  void finish(std::uint64_t owner) {
    const Known known = calls_.at(owner);
    const std::uint32_t holders = running();
    calls_.erase(owner);
    ended_.push_back(known.place);
    const std::uint64_t how = below(6);
    const std::optional<Grant> grant = how == 0   ? scheduler_.give_up(known.place, now_)
                                       : how == 1 ? scheduler_.finish(known.place, now_)
                                                  : scheduler_.finish(known.place, below(4000), now_);
    if (holders > slots_) {
      EXPECT_FALSE(grant) << "a slot that is no more";
    }
    if (grant) take_grants({*grant});
  }

  void leave(std::uint64_t owner) {
    EXPECT_EQ(scheduler_.leave(calls_.at(owner).place), Left::queue);
    ended_.push_back(calls_.at(owner).place);
    calls_.erase(owner);
  }

  void expire() {
    std::vector<std::uint64_t> due;
    for (const auto& [owner, known] : calls_) {
      if (!known.running && known.expires <= now_) due.push_back(owner);
    }
    std::vector<std::uint64_t> gone;
    for (const Expired& one : scheduler_.expire(now_)) {
      gone.push_back(one.owner);
      EXPECT_EQ(one.waited, now_ - calls_.at(one.owner).joined);
      ended_.push_back(one.place);
      calls_.erase(one.owner);
    }
    std::sort(gone.begin(), gone.end());
    EXPECT_EQ(gone, due) << "those whose time is over, all of them and no others";
  }

  // Places that have ended are dead, also when their index lives again.
  void stale() {
    if (ended_.empty()) return;
    const Place place = ended_[below(ended_.size())];
    EXPECT_EQ(scheduler_.leave(place), Left::nowhere);
    EXPECT_FALSE(scheduler_.finish(place, 1, now_));
    EXPECT_FALSE(scheduler_.standing(place, now_));
  }

  void look(std::uint64_t owner) {
    const std::optional<Standing> standing = scheduler_.standing(calls_.at(owner).place, now_);
    ASSERT_TRUE(standing);
    EXPECT_GE(standing->position, 1U);
    EXPECT_LE(standing->position, waiting());
  }

  void take_grants(const std::vector<Grant>& grants) {
    for (const Grant& grant : grants) {
      ASSERT_TRUE(calls_.contains(grant.owner)) << "granted to somebody who is not there";
      Known& known = calls_.at(grant.owner);
      EXPECT_FALSE(known.running) << "granted twice";
      EXPECT_EQ(grant.place, known.place);
      EXPECT_EQ(grant.waited, now_ - known.joined);
      for (const auto& [owner, other] : calls_) {
        if (other.running || other.claim.user != known.claim.user || other.claim.priority != known.claim.priority)
          continue;
        EXPECT_GE(owner, grant.owner) << "an older call of the same user still waits";
      }
      check_class(known.claim.priority);
      known.running = true;
    }
  }

  void check_class(Priority granted) {
    if (granted == Priority::batch) {
      if (waiting_for(Priority::interactive) > 0) {
        EXPECT_GE(now_ - batch_since_, bounds_.batch_patience);
      }
      batch_since_ = now_;
    } else if (waiting_for(Priority::batch) > 0) {
      EXPECT_LT(now_ - batch_since_, bounds_.batch_patience) << "batch starves";
    }
  }

  void check() {
    const SchedulerFacts facts = scheduler_.facts();
    EXPECT_EQ(facts.running, running()) << "a slot lost or doubled";
    EXPECT_EQ(facts.waiting[0] + facts.waiting[1], waiting());
    if (facts.running < facts.slots) {
      EXPECT_EQ(waiting(), 0U) << "a slot is idle while somebody waits";
    }
    if (!loosened_) {
      EXPECT_LE(waiting(), bounds_.size);
    }
  }

  template <class Act>
  void with_one(bool running, const Act& act) {
    std::vector<std::uint64_t> owners;
    for (const auto& [owner, known] : calls_) {
      if (known.running == running) owners.push_back(owner);
    }
    if (!owners.empty()) act(owners[below(owners.size())]);
  }
  template <class Test>
  std::uint32_t count(const Test& test) const {
    return static_cast<std::uint32_t>(
        std::count_if(calls_.begin(), calls_.end(), [&](const auto& one) { return test(one.second); }));
  }
  std::uint32_t waiting_for(Priority priority) const {
    return count([&](const Known& one) { return !one.running && one.claim.priority == priority; });
  }
  std::uint32_t running() const {
    return count([](const Known& one) { return one.running; });
  }
  std::uint32_t waiting() const { return static_cast<std::uint32_t>(calls_.size()) - running(); }

  Random random_;
  TimePoint now_{1000s};
  std::uint32_t slots_ = 4;
  QueueBounds bounds_;
  Scheduler scheduler_;
  std::map<std::uint64_t, Known> calls_;
  std::vector<Place> ended_;
  std::uint64_t last_owner_ = 0;
  TimePoint batch_since_{1000s};  // when a first batch call began to wait, or the last one was granted
  bool loosened_ = false;
};

class SchedulerProperties : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerProperties, testing::Values(1U, 2U, 3U, 5U, 8U, 13U, 21U, 34U));

TEST_P(SchedulerProperties, NoSlotIsLostOrDoubledAndNoneIsIdleWhileSomebodyWaits) {
  Machine machine{GetParam(), {.size = 40, .user_percent = 25, .max_wait = 6s, .batch_patience = 3s}};
  machine.run(6000);
  machine.drain();
}

// All users wait all the time; each call costs what it was estimated at, or turns out otherwise.
class Saturated {
 public:
  Saturated(std::uint64_t seed, std::uint32_t slots, std::uint64_t surprise)
      : random_{seed}, surprise_{surprise}, slots_{slots}, scheduler_{slots, {.size = 100'000, .user_percent = 100}} {}

  // Served cost per weight, by user, after so many calls.
  std::map<std::uint64_t, double> serve(const std::vector<std::uint32_t>& weights, int calls) {
    std::map<std::uint64_t, double> served;
    std::vector<Running> running;
    for (std::uint64_t user = 0; user < weights.size(); ++user) {
      for (std::uint32_t i = 0; i < slots_ + 2; ++i) join(user, weights[user], running);
    }
    for (int i = 0; i < calls; ++i) {
      const std::size_t which = random_.next() % running.size();
      const Running done = running[which];
      const std::uint64_t real =
          done.cost / 2 + (surprise_ == 0 ? done.cost - done.cost / 2 : random_.next() % surprise_);
      served[done.user] += static_cast<double>(real) / weights[done.user];
      const std::optional<Grant> grant = scheduler_.finish(done.place, real, now_);
      const std::uint64_t user = grant->owner >> 32U;
      running[which] = {grant->place, user, grant->owner & 0xffffffffU};
      join(user, weights[user], running);
    }
    return served;
  }

 private:
  struct Running {
    Place place;
    std::uint64_t user = 0;
    std::uint64_t cost = 0;
  };
  void join(std::uint64_t user, std::uint32_t weight, std::vector<Running>& running) {
    const std::uint64_t cost = 1 + random_.next() % 1000;
    const Claim claim{.key = key_named(0),
                      .user = user_of(key_named(0), std::to_string(user)),
                      .user_weight = weight,
                      .cost = cost,
                      .owner = user << 32U | cost};
    const Joined joined = scheduler_.join(claim, now_);
    ASSERT_NE(joined.as, Joined::As::refused);
    if (joined.as == Joined::As::admitted) running.push_back({joined.place, user, cost});
  }

  Random random_;
  std::uint64_t surprise_;
  std::uint32_t slots_;
  TimePoint now_{1000s};
  Scheduler scheduler_;
};

double spread(const std::map<std::uint64_t, double>& served) {
  double least = served.begin()->second;
  double most = least;
  for (const auto& [user, cost] : served) {
    least = std::min(least, cost);
    most = std::max(most, cost);
  }
  return most - least;
}

TEST_P(SchedulerProperties, BackloggedUsersGetTokensByWeightWithinAFewCallsForEver) {
  // Start-time fair queueing bounds the difference of what two were charged by one largest call each, per weight; what
  // has been charged but is still running comes on top: one call for each slot.
  constexpr std::uint32_t kSlots = 4;
  constexpr double kLargest = 1000;
  for (const int calls : {500, 5000, 20000}) {
    Saturated model{GetParam(), kSlots, 0};
    const auto served = model.serve({1, 1, 1, 2, 2, 4}, calls);
    EXPECT_EQ(served.size(), 6U);
    EXPECT_LE(spread(served), kLargest * (2 + kSlots)) << calls;
  }
}

TEST_P(SchedulerProperties, WrongEstimatesAreEvenedOut) {
  constexpr std::uint32_t kSlots = 4;
  constexpr double kLargest = 500 + 3000;  // half the estimate and the surprise
  for (const int calls : {500, 5000, 20000}) {
    Saturated model{GetParam(), kSlots, 3000};
    EXPECT_LE(spread(model.serve({1, 1, 1, 2, 2, 4}, calls)), kLargest * (2 + kSlots)) << calls;
  }
}

// One user always has 60 calls waiting; a part of them is charged as 33,000 tokens and costs 1,500.
TEST_P(SchedulerProperties, WhoComesWaitsForNoRoundHoweverMuchIsGivenBackToOthers) {
  constexpr std::uint32_t kSlots = 8;
  constexpr std::uint64_t kPicture = 2;
  constexpr std::uint64_t kLight = 3;
  Random random{GetParam()};
  Scheduler scheduler{kSlots, {.user_percent = 100, .max_wait = 10h}};
  TimePoint now{1000s};
  std::vector<Place> places;
  std::vector<std::uint64_t> owners;
  std::uint64_t visitor = 0;
  const auto join = [&](std::uint64_t owner) {
    const Subject key = key_named(owner == kLight ? visitor % 2 : 0);
    const std::string user = owner == kLight ? std::to_string(++visitor) : "heavy";
    const Claim claim{
        .key = key, .user = user_of(key, user), .cost = owner == kPicture ? 33'000U : 1'000U, .owner = owner};
    const Joined joined = scheduler.join(claim, now);
    if (joined.as != Joined::As::admitted) return;
    places.push_back(joined.place);
    owners.push_back(owner);
  };
  const auto join_heavy = [&] { join(random.unit() < 0.1 ? kPicture : 1); };
  for (std::uint32_t i = 0; i < kSlots + 60; ++i) join_heavy();
  std::uint32_t longest = 0;
  bool waits = false;
  std::uint32_t served_meanwhile = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += 10ms;
    const std::size_t which = random.next() % places.size();
    const std::optional<Grant> grant = scheduler.finish(places[which], owners[which] == kPicture ? 1'500 : 1'000, now);
    places[which] = grant->place;
    owners[which] = grant->owner;
    if (grant->owner == kLight) {
      longest = std::max(longest, served_meanwhile);
      waits = false;
    } else {
      ++served_meanwhile;
      join_heavy();
    }
    if (waits || random.unit() > 0.01) continue;
    served_meanwhile = 0;
    waits = true;
    join(kLight);
  }
  EXPECT_GT(visitor, 50U);
  EXPECT_LE(longest, kSlots) << "about one service time";
}

TEST_P(SchedulerProperties, BatchIsServedUnderEndlessInteractiveLoad) {
  Random random{GetParam()};
  Scheduler scheduler{2, {.size = 1000, .user_percent = 100, .batch_patience = 30s}};
  TimePoint now{1000s};
  std::vector<Place> running;
  const auto join = [&](Priority priority) {
    const Joined joined = scheduler.join({.key = key_named(1),
                                          .user = key_named(1),
                                          .priority = priority,
                                          .cost = 10,
                                          .owner = static_cast<std::uint64_t>(priority)},
                                         now);
    if (joined.as == Joined::As::admitted) running.push_back(joined.place);
  };
  for (int i = 0; i < 20; ++i) join(Priority::interactive);
  for (int i = 0; i < 200; ++i) join(Priority::batch);
  int batch = 0;
  const TimePoint end = now + 1h;
  while (now < end) {
    now += Duration{static_cast<Duration::rep>(random.unit() * 2e9)};
    const std::size_t which = random.next() % running.size();
    const std::optional<Grant> grant = scheduler.finish(running[which], 10, now);
    running[which] = grant->place;
    if (grant->owner == 1) ++batch;
    if (grant->owner == 0) join(Priority::interactive);
  }
  EXPECT_GE(batch, 3600 / 32) << "one every 30 s, and up to 2 s until a slot is free";
  EXPECT_LE(batch, 3600 / 30);
}

}  // namespace
}  // namespace intragate::qos

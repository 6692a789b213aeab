#include "qos/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace intragate::qos {
namespace {

using namespace std::chrono_literals;

const TimePoint kNow{1000s};

Subject key(std::string_view name) {
  return subject_of(name, 7);
}

Claim claim(std::string_view key_name, std::string_view user_name, std::uint64_t cost = 100) {
  return {.key = key(key_name), .user = user_of(key(key_name), user_name), .cost = cost};
}

// A scheduler with a clock of its own and the orders of grants as text.
class Scheduling : public testing::Test {
 protected:
  Place admit(const Claim& wanted) {
    const Joined joined = scheduler.join(wanted, now);
    EXPECT_EQ(joined.as, Joined::As::admitted);
    return joined.place;
  }
  Place wait(Claim wanted, std::uint64_t owner = 0) {
    wanted.owner = owner;
    const Joined joined = scheduler.join(wanted, now);
    EXPECT_EQ(joined.as, Joined::As::waiting);
    return joined.place;
  }
  Refusal refuse(const Claim& wanted) {
    const Joined joined = scheduler.join(wanted, now);
    EXPECT_EQ(joined.as, Joined::As::refused);
    return joined.refusal;
  }
  // Ends the call that holds the only slot, and each one that gets it, until nobody waits: the owners in their order.
  std::vector<std::uint64_t> drain(Place holder) {
    std::vector<std::uint64_t> order;
    while (const std::optional<Grant> next = scheduler.finish(holder, now)) {
      order.push_back(next->owner);
      holder = next->place;
    }
    return order;
  }
  // Lets calls of 100 tokens hold a slot for `held` each, so that the pace is known.
  void learn_pace(Duration held) {
    for (int i = 0; i < 16; ++i) {
      const Place place = admit(claim("warm", "up"));
      now += held;
      EXPECT_FALSE(scheduler.finish(place, 100, now));
    }
  }

  TimePoint now = kNow;
  Scheduler scheduler{1, {}};
};

using Order = std::vector<std::uint64_t>;

TEST_F(Scheduling, DebtIsWhatTheMostServedOfThoseWhoWaitGotMoreThanTheLeastServed) {
  Place holder = admit(claim("z", ""));
  const auto end = [&](std::uint64_t cost) { holder = scheduler.finish(holder, cost, now)->place; };
  for (int i = 0; i < 2; ++i) static_cast<void>(wait(claim("a", "x", 100)));
  EXPECT_EQ(scheduler.debt().keys, 0U) << "nobody to compare with";
  for (int i = 0; i < 2; ++i) static_cast<void>(wait(claim("b", "y", 300)));
  EXPECT_EQ(scheduler.debt().keys, 0U) << "they came alike";
  end(100);
  EXPECT_EQ(scheduler.debt().keys, 100U) << "a has a slot";
  end(100);
  EXPECT_EQ(scheduler.debt().keys, 200U) << "b has it, and had more";
  end(400);
  EXPECT_EQ(scheduler.debt().keys, 0U) << "only b waits";
  EXPECT_EQ(scheduler.debt().users, 0U);
}

TEST_F(Scheduling, DebtIsSeenAmongTheUsersOfAKeyToo) {
  const Place holder = admit(claim("z", ""));
  for (int i = 0; i < 2; ++i) static_cast<void>(wait(claim("a", "x", 100)));
  for (int i = 0; i < 2; ++i) static_cast<void>(wait(claim("a", "y", 100)));
  EXPECT_TRUE(scheduler.finish(holder, 100, now));
  EXPECT_EQ(scheduler.debt().users, 100U);
  EXPECT_EQ(scheduler.debt().keys, 0U);
}

TEST_F(Scheduling, DebtCountsByWeight) {
  const Place holder = admit(claim("z", ""));
  Claim heavy = claim("a", "x", 400);
  heavy.key_weight = 4;
  for (int i = 0; i < 2; ++i) static_cast<void>(wait(heavy));
  static_cast<void>(wait(claim("b", "y", 100)));
  EXPECT_TRUE(scheduler.finish(holder, 100, now));
  EXPECT_EQ(scheduler.debt().keys, 100U);
}

TEST_F(Scheduling, FreeSlotIsGivenAtOnce) {
  Scheduler two{2, {}};
  EXPECT_EQ(two.join(claim("a", "x"), now).as, Joined::As::admitted);
  EXPECT_EQ(two.join(claim("a", "x"), now).as, Joined::As::admitted);
  EXPECT_EQ(two.join(claim("a", "x"), now).as, Joined::As::waiting);
}

TEST_F(Scheduling, PlaceOfACallThatEndedIsNobodysAlsoAfterACrowdHasLeft) {
  const Place early = admit(claim("a", "u"));
  std::vector<Place> crowd;
  static_cast<void>(scheduler.set_slots(5000, now));
  for (int i = 0; i < 4000; ++i) crowd.push_back(admit(claim("a", "u")));
  EXPECT_FALSE(scheduler.finish(early, now));
  const std::size_t crowded = scheduler.bytes();
  for (const Place& place : crowd) EXPECT_FALSE(scheduler.finish(place, now));
  EXPECT_LT(scheduler.bytes(), crowded / 2);
  const Place late = admit(claim("a", "u"));  // where `early` was
  EXPECT_EQ(late.index, early.index);
  EXPECT_EQ(scheduler.leave(early), Left::nowhere);
  EXPECT_EQ(scheduler.leave(late), Left::slot);
}

TEST_F(Scheduling, CallsOfOneUserAreServedInOrder) {
  const Place holder = admit(claim("a", "x"));
  for (std::uint64_t i = 1; i <= 5; ++i) wait(claim("a", "x", 100 * i), i);
  EXPECT_EQ(drain(holder), (Order{1, 2, 3, 4, 5}));
}

TEST_F(Scheduling, OneUsersManyCallsDelayAnothersSingleCallByTheNextFreeSlotOnly) {
  const Place holder = admit(claim("a", "heavy"));
  for (std::uint64_t i = 1; i <= 50; ++i) wait(claim("a", "heavy"), i);
  wait(claim("a", "light"), 1000);
  EXPECT_EQ(scheduler.finish(holder, now)->owner, 1000U);
}

TEST_F(Scheduling, NewcomerGoesFirstEvenWhenAllCountersAreEqual) {
  const Place holder = admit(claim("a", "warm"));
  for (std::uint64_t i = 1; i <= 20; ++i) {
    wait(claim("a", "heavy" + std::to_string(i)), i);
    wait(claim("a", "heavy" + std::to_string(i)), i);
  }
  std::optional<Grant> grant = scheduler.finish(holder, now);
  for (int i = 0; i < 4; ++i) grant = scheduler.finish(grant->place, now);
  for (int i = 0; i < 15; ++i) grant = scheduler.finish(grant->place, now);  // a whole round: all have had one
  wait(claim("a", "light"), 1000);
  EXPECT_EQ(scheduler.finish(grant->place, now)->owner, 1000U);
}

TEST_F(Scheduling, KeysShareFirstAndUsersWithinTheirKey) {
  const Place holder = admit(claim("warm", "up"));
  for (std::uint64_t i = 0; i < 8; ++i) {
    wait(claim("a", "x"), 1);
    wait(claim("a", "y"), 2);
    wait(claim("b", "z"), 3);
  }
  const Order order = drain(holder);
  const Order first(order.begin(), order.begin() + 8);
  EXPECT_EQ(std::count(first.begin(), first.end(), 3U), 4) << "key b has one user and half of the slots";
  EXPECT_EQ(std::count(first.begin(), first.end(), 1U), 2);
  EXPECT_EQ(std::count(first.begin(), first.end(), 2U), 2);
}

TEST_F(Scheduling, SharesTokensNotCalls) {
  const Place holder = admit(claim("warm", "up"));
  for (int i = 0; i < 12; ++i) wait(claim("a", "long", 400), 1);
  for (int i = 0; i < 48; ++i) wait(claim("a", "short", 100), 2);
  const Order order = drain(holder);
  EXPECT_EQ(std::count(order.begin(), order.begin() + 20, 1U), 4);
  EXPECT_EQ(std::count(order.begin(), order.begin() + 20, 2U), 16);
}

TEST_F(Scheduling, WeightsAreHonoured) {
  const Place holder = admit(claim("warm", "up"));
  for (int i = 0; i < 40; ++i) {
    Claim heavy = claim("a", "");
    heavy.key_weight = 3;
    wait(heavy, 1);
    wait(claim("b", ""), 2);
  }
  const Order order = drain(holder);
  EXPECT_EQ(std::count(order.begin(), order.begin() + 40, 1U), 30);
}

TEST_F(Scheduling, RealCostCountsInTheEnd) {
  const Place holder = admit(claim("warm", "up"));
  for (int i = 0; i < 20; ++i) {
    wait(claim("a", "modest", 100), 1);
    wait(claim("a", "underestimated", 100), 2);  // really uses 900
  }
  Order order;
  for (std::optional<Grant> grant = scheduler.finish(holder, now); grant && order.size() < 20;) {
    order.push_back(grant->owner);
    grant = scheduler.finish(grant->place, grant->owner == 2 ? 900 : 100, now);
  }
  EXPECT_EQ(std::count(order.begin(), order.end(), 2U), 2);
}

TEST_F(Scheduling, IdlenessEarnsItsCreditAndNoMore) {
  const Place early = admit(claim("a", "idle"));
  EXPECT_FALSE(scheduler.finish(early, now));
  Place holder = admit(claim("a", "busy"));
  for (int i = 0; i < 64; ++i) wait(claim("a", "busy"), 1);
  for (int i = 0; i < 40; ++i) holder = scheduler.finish(holder, now)->place;
  for (int i = 0; i < 20; ++i) wait(claim("a", "idle"), 2);
  const Order order = drain(holder);
  EXPECT_EQ(Order(order.begin(), order.begin() + 5), (Order{2, 2, 2, 2, 2})) << "a credit of four calls, and its turn";
  EXPECT_LE(std::count(order.begin(), order.begin() + 20, 2U), 13) << "then they share";
}

TEST_F(Scheduling, SlotsTakenWhileNobodyWaitedCountOnceSomebodyDoes) {
  EXPECT_TRUE(scheduler.set_slots(8, now).empty());
  admit(claim("a", "anchor"));  // the model is never idle: nothing begins anew
  EXPECT_FALSE(scheduler.finish(admit(claim("a", "greedy")), now));
  for (int i = 0; i < 40; ++i) EXPECT_FALSE(scheduler.finish(admit(claim("a", "steady")), now));
  Place greedy{};
  for (int i = 0; i < 6; ++i) greedy = admit(claim("a", "greedy"));
  admit(claim("a", "anchor"));
  for (int i = 0; i < 5; ++i) wait(claim("a", "greedy"), 1);
  wait(claim("a", "steady"), 2);
  EXPECT_EQ(scheduler.finish(greedy, now)->owner, 2U);
}

TEST_F(Scheduling, QuestionThatFollowsAnotherDoesNotWaitForARoundOfHeavyUsers) {
  Place holder = admit(claim("a", "warm"));
  for (std::uint64_t i = 0; i < 240; ++i) wait(claim("a", "heavy" + std::to_string(i % 20)), i);
  for (int i = 0; i < 120; ++i) holder = scheduler.finish(holder, now)->place;  // their own credits are used up
  for (int question = 0; question < 5; ++question) {
    wait(claim("a", "light"), 1000);
    const std::optional<Grant> answer = scheduler.finish(holder, now);
    EXPECT_EQ(answer->owner, 1000U) << question;
    holder = answer->place;
  }
  wait(claim("a", "light"), 1000);
  EXPECT_NE(scheduler.finish(holder, now)->owner, 1000U) << "a sixth one at once does";
}

TEST_F(Scheduling, WhatIsGivenBackDelaysNobodyWhoComes) {
  EXPECT_TRUE(scheduler.set_slots(4, now).empty());
  std::vector<Place> pictures;  // bytes of a picture, taken for a long prompt
  for (int i = 0; i < 4; ++i) pictures.push_back(admit(claim("a", "heavy", 33'000)));
  for (int i = 0; i < 40; ++i) wait(claim("a", "heavy"), 1);
  std::vector<Place> holders;
  for (const Place& picture : pictures) holders.push_back(scheduler.finish(picture, 1'500, now)->place);
  wait(claim("a", "light"), 2);
  EXPECT_EQ(scheduler.finish(holders[0], now)->owner, 2U);
  wait(claim("b", ""), 3);
  EXPECT_EQ(scheduler.finish(holders[1], now)->owner, 3U) << "another key's call neither";
}

TEST_F(Scheduling, BatchWaitsForIdleSlots) {
  const Place holder = admit(claim("a", "x"));
  Claim batch = claim("a", "jobs");
  batch.priority = Priority::batch;
  wait(batch, 9);
  for (int i = 0; i < 5; ++i) wait(claim("a", "x"), 1);
  EXPECT_EQ(drain(holder), (Order{1, 1, 1, 1, 1, 9}));
}

TEST_F(Scheduling, BatchGetsOneSlotEachTimeItsPatienceEnds) {
  Place holder = admit(claim("a", "x"));
  Claim batch = claim("a", "jobs");
  batch.priority = Priority::batch;
  for (int i = 0; i < 2; ++i) wait(batch, 9);
  Order order;
  for (int i = 0; i < 13; ++i) {
    wait(claim("a", "x"), 1);
    now += 5s;  // patience: 30 s
    const std::optional<Grant> grant = scheduler.finish(holder, now);
    order.push_back(grant->owner);
    holder = grant->place;
  }
  EXPECT_EQ(order, (Order{1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 9, 1}));
}

TEST_F(Scheduling, FullQueueRefusesWithTheTimeItTakesToDrain) {
  learn_pace(2s);
  scheduler.set_bounds({.size = 10, .user_percent = 100});
  admit(claim("a", "x"));
  for (int i = 0; i < 10; ++i) wait(claim("a", "x"));
  const Refusal refusal = refuse(claim("a", "x"));
  EXPECT_EQ(refusal.why, WhyRefused::queue_full);
  EXPECT_EQ(refusal.waiting, 10U);
  EXPECT_EQ(refusal.slots, 1U);
  EXPECT_EQ(refusal.expected_wait, 22s) << "ten calls of 2 s and the one that runs";
  EXPECT_EQ(refusal.retry_after, 22s);
}

TEST_F(Scheduling, UnknownPaceStillSaysWhenToComeBack) {
  scheduler.set_bounds({.size = 1});
  admit(claim("a", "x"));
  wait(claim("a", "x"));
  EXPECT_EQ(refuse(claim("b", "y")).retry_after, 1s);
  EXPECT_EQ(refuse(claim("b", "y")).expected_wait, 0s);
}

TEST_F(Scheduling, OneUserFillsOnlyItsShareOfTheQueue) {
  scheduler.set_bounds({.size = 16, .user_percent = 25});
  admit(claim("a", "x"));
  for (int i = 0; i < 4; ++i) wait(claim("a", "x"));
  EXPECT_EQ(refuse(claim("a", "x")).why, WhyRefused::user_share);
  wait(claim("a", "y"));
}

TEST_F(Scheduling, CallsWithoutAUserAreNotOneUser) {
  scheduler.set_bounds({.size = 16, .user_percent = 25});
  admit(claim("a", "x"));
  for (int i = 0; i < 16; ++i) wait(claim("a", ""));
}

TEST_F(Scheduling, BatchHasItsShareOfTheQueue) {
  scheduler.set_bounds({.size = 16, .user_percent = 100, .batch_percent = 25});
  admit(claim("a", "x"));
  Claim batch = claim("b", "");
  batch.priority = Priority::batch;
  for (int i = 0; i < 4; ++i) wait(batch);
  EXPECT_EQ(refuse(batch).why, WhyRefused::batch_share);
  Claim other = claim("c", "");
  other.priority = Priority::batch;
  EXPECT_TRUE(scheduler.join(other, now).displaced) << "among themselves they make room as all do";
  EXPECT_EQ(scheduler.facts().waiting[1], 4U);
}

TEST_F(Scheduling, WhoHasMostCallsInAFullQueueMakesRoomForWhoHasFewer) {
  learn_pace(2s);
  scheduler.set_bounds({.size = 8});
  const Place holder = admit(claim("bulk", ""));
  Place youngest{};
  for (std::uint64_t i = 1; i <= 8; ++i) youngest = wait(claim("bulk", ""), i);
  EXPECT_EQ(refuse(claim("bulk", "")).why, WhyRefused::queue_full) << "for its own sake nobody goes";
  EXPECT_FALSE(scheduler.forecast(claim("dify", "ann"), now).refused);
  Claim wanted = claim("dify", "ann");
  wanted.owner = 100;
  const Joined joined = scheduler.join(wanted, now);
  EXPECT_EQ(joined.as, Joined::As::waiting);
  ASSERT_TRUE(joined.displaced);
  EXPECT_EQ(joined.displaced->owner, 8U) << "the one that came last";
  EXPECT_EQ(joined.displaced->place, youngest);
  EXPECT_EQ(joined.displaced->refusal.why, WhyRefused::made_room);
  EXPECT_EQ(joined.displaced->refusal.retry_after, 16s) << "seven calls, and the one that runs";
  EXPECT_EQ(scheduler.leave(youngest), Left::nowhere);
  EXPECT_EQ(scheduler.facts().waiting[0], 8U);
  EXPECT_EQ(drain(holder), (Order{100, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(Scheduling, UsersOfAKeyMakeRoomForEachOtherToo) {
  scheduler.set_bounds({.size = 16});
  admit(claim("a", "x"));
  for (const char* hog : {"p", "q", "r", "s"})
    for (int i = 0; i < 4; ++i) wait(claim("a", hog));
  for (std::uint64_t i = 0; i < 12; ++i)
    EXPECT_TRUE(scheduler.join(claim("a", "new" + std::to_string(i)), now).displaced) << i;
  EXPECT_EQ(refuse(claim("a", "one more")).why, WhyRefused::queue_full) << "all have one: nobody's only call goes";
  EXPECT_EQ(refuse(claim("b", "another key's")).why, WhyRefused::queue_full);
}

TEST_F(Scheduling, ManyPeopleDoNotHideWhoCrowdsTheQueue) {
  scheduler.set_bounds({.size = 16});
  admit(claim("z", ""));
  for (std::uint64_t i = 0; i < 9; ++i) wait(claim("people", std::to_string(i)), i);
  for (std::uint64_t i = 0; i < 7; ++i) wait(claim("bulk", ""), 100 + i);
  const Joined joined = scheduler.join(claim("new", "ann"), now);
  ASSERT_TRUE(joined.displaced) << "the key with most calls has nobody with two";
  EXPECT_EQ(joined.displaced->owner, 106U);
  EXPECT_EQ(refuse(claim("people", "one more")).why, WhyRefused::queue_full) << "keys are alike, and this one has most";
}

TEST_F(Scheduling, RoomInAFullQueueIsSharedByWeight) {
  scheduler.set_bounds({.size = 8, .user_percent = 100});
  admit(claim("z", ""));
  Claim heavy = claim("a", "x");
  heavy.key_weight = 3;
  for (int i = 0; i < 8; ++i) wait(heavy);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(scheduler.join(claim("b", "y"), now).displaced) << i;
  EXPECT_EQ(refuse(claim("b", "y")).why, WhyRefused::queue_full) << "six and two are as three and one";
  EXPECT_EQ(refuse(heavy).why, WhyRefused::queue_full);
}

TEST_F(Scheduling, QueueOfSizeZeroLetsNobodyWait) {
  scheduler.set_bounds({.size = 0});
  admit(claim("a", "x"));
  EXPECT_EQ(refuse(claim("a", "x")).why, WhyRefused::queue_full);
}

TEST_F(Scheduling, CallThatCannotBeServedInTimeIsToldAtOnce) {
  learn_pace(10s);
  admit(claim("a", "x"));
  for (int i = 0; i < 3; ++i) wait(claim("a", "x"));  // 30 s of work, and up to 10 s until the first one starts
  Claim hasty = claim("a", "x");
  hasty.deadline = Deadline{now + 20s};
  const Refusal refusal = refuse(hasty);
  EXPECT_EQ(refusal.why, WhyRefused::too_late);
  EXPECT_EQ(refusal.expected_wait, 40s);
  EXPECT_EQ(refusal.retry_after, 20s) << "by then so much is done that it would be in time";
  wait(claim("b", "y"));  // another key waits for the next slot only
}

TEST_F(Scheduling, PastDeadlineIsNeverAdmitted) {
  Claim late = claim("a", "x");
  late.deadline = Deadline{now};
  EXPECT_EQ(refuse(late).why, WhyRefused::too_late);
}

TEST_F(Scheduling, ExpireTakesOutThoseWhoseTimeIsOverAndNobodyElse) {
  const Place holder = admit(claim("a", "x"));
  Claim hasty = claim("a", "x");
  hasty.deadline = Deadline{now + 5s};
  wait(hasty, 1);
  wait(claim("a", "x"), 2);  // max_wait: 60 s
  EXPECT_EQ(scheduler.next_expiry(), now + 5s);
  EXPECT_TRUE(scheduler.expire(now + 5s - 1ns).empty());
  const std::vector<Expired> gone = scheduler.expire(now + 5s);
  ASSERT_EQ(gone.size(), 1U);
  EXPECT_EQ(gone[0].owner, 1U);
  EXPECT_EQ(gone[0].waited, 5s);
  EXPECT_EQ(scheduler.next_expiry(), now + 60s);
  EXPECT_EQ(drain(holder), (Order{2}));
}

TEST_F(Scheduling, WhoLeavesIsOutAtOnce) {
  const Place holder = admit(claim("a", "x"));
  const Place first = wait(claim("a", "x"), 1);
  const Place second = wait(claim("a", "x"), 2);
  wait(claim("a", "x"), 3);
  EXPECT_EQ(scheduler.leave(second), Left::queue);
  EXPECT_EQ(scheduler.leave(second), Left::nowhere);
  EXPECT_EQ(scheduler.leave(first), Left::queue);
  EXPECT_EQ(drain(holder), (Order{3}));
}

TEST_F(Scheduling, WhoLeavesTooLateIsToldOfItsSlot) {
  const Place holder = admit(claim("a", "x"));
  const Place place = wait(claim("a", "x"), 1);
  EXPECT_TRUE(scheduler.finish(holder, now));
  EXPECT_EQ(scheduler.leave(place), Left::slot);
  EXPECT_EQ(scheduler.facts().running, 1U);
  EXPECT_FALSE(scheduler.finish(place, now));
  EXPECT_EQ(scheduler.facts().running, 0U);
}

TEST_F(Scheduling, SlotIsGivenBackOnce) {
  const Place place = admit(claim("a", "x"));
  EXPECT_FALSE(scheduler.finish(place, now));
  EXPECT_FALSE(scheduler.finish(place, now));
  EXPECT_EQ(scheduler.facts().running, 0U);
  const Place other = admit(claim("b", "y"));
  EXPECT_EQ(other.index, place.index) << "the index is in use again …";
  wait(claim("b", "y"));
  EXPECT_FALSE(scheduler.finish(place, now)) << "… but its former holder cannot end it";
  EXPECT_EQ(scheduler.facts().running, 1U);
}

TEST_F(Scheduling, MoreSlotsAreGrantedAtOnceAndFewerTakeEffectAsCallsEnd) {
  const Place holder = admit(claim("a", "x"));
  for (std::uint64_t i = 1; i <= 4; ++i) wait(claim("a", "x"), i);
  const std::vector<Grant> grants = scheduler.set_slots(3, now);
  ASSERT_EQ(grants.size(), 2U);
  EXPECT_TRUE(scheduler.set_slots(1, now).empty());
  EXPECT_FALSE(scheduler.finish(holder, now));
  EXPECT_FALSE(scheduler.finish(grants[0].place, now));
  EXPECT_EQ(scheduler.finish(grants[1].place, now)->owner, 3U);
}

TEST_F(Scheduling, WithoutSlotsAllWaitForThem) {
  Scheduler none{0, {}};
  EXPECT_EQ(none.join(claim("a", "x"), now).as, Joined::As::waiting);
  EXPECT_EQ(none.set_slots(kUnlimitedSlots, now).size(), 1U);
  EXPECT_EQ(none.join(claim("a", "x"), now).as, Joined::As::admitted);
}

TEST_F(Scheduling, StandingCountsDown) {
  learn_pace(2s);
  Place holder = admit(claim("a", "x"));
  wait(claim("a", "x"));
  wait(claim("a", "x"));
  const Place third = wait(claim("a", "x"));
  EXPECT_EQ(scheduler.standing(third, now)->position, 3U);
  EXPECT_EQ(scheduler.standing(third, now)->expected_wait, 6s);
  holder = scheduler.finish(holder, now)->place;
  EXPECT_EQ(scheduler.standing(third, now)->position, 2U);
  holder = scheduler.finish(holder, now)->place;
  EXPECT_EQ(scheduler.standing(third, now)->position, 1U);
  holder = scheduler.finish(holder, now)->place;
  EXPECT_FALSE(scheduler.standing(third, now)) << "it has its slot";
}

TEST_F(Scheduling, NewcomersStandingIsNotThatOfTheLongestQueue) {
  admit(claim("a", "heavy"));
  for (int i = 0; i < 50; ++i) wait(claim("a", "heavy"));
  const Place light = wait(claim("a", "light"));
  EXPECT_LE(scheduler.standing(light, now)->position, 3U);
}

TEST_F(Scheduling, SaysWhenAWaitHasBecomeHopeless) {
  learn_pace(5s);
  Scheduler& model = scheduler;
  EXPECT_TRUE(model.set_slots(4, now).empty());
  for (int i = 0; i < 4; ++i) admit(claim("a", "x"));
  for (int i = 0; i < 30; ++i) wait(claim("a", "x"));
  const Place last = wait(claim("a", "x"));
  EXPECT_FALSE(model.standing(last, now)->hopeless);
  EXPECT_TRUE(model.set_slots(1, now).empty());  // three endpoints die
  ASSERT_TRUE(model.standing(last, now)->hopeless);
  EXPECT_EQ(model.standing(last, now)->hopeless->why, WhyRefused::too_late);
  EXPECT_EQ(model.standing(last, now)->hopeless->retry_after, 155s - 60s);
  EXPECT_TRUE(model.set_slots(0, now).empty());
  EXPECT_FALSE(model.standing(last, now)->hopeless) << "all cool down: nobody knows for how long";
}

TEST_F(Scheduling, WhoIsNextIsNeverHopeless) {
  learn_pace(10s);
  admit(claim("a", "x"));
  const Place next = wait(claim("a", "x"));
  EXPECT_FALSE(scheduler.standing(next, now + 59s)->hopeless) << "the slot may be free in a moment";
}

TEST_F(Scheduling, ManyWithOneCallEachStandInALine) {
  learn_pace(1s);
  scheduler.set_bounds({.user_percent = 100});
  admit(claim("z", "x"));
  std::vector<Place> places;
  for (int i = 0; i < 20; ++i) places.push_back(wait(claim("a", "user" + std::to_string(i))));
  EXPECT_EQ(scheduler.standing(places[0], now)->position, 1U);
  EXPECT_EQ(scheduler.standing(places[19], now)->position, 20U);
  EXPECT_EQ(scheduler.standing(places[19], now)->expected_wait, 20s);
  EXPECT_EQ(scheduler.forecast(claim("a", "user20"), now).expected_wait, 21s);
}

TEST_F(Scheduling, SlotsThatNobodyUsedSayNothingAboutThePace) {
  learn_pace(2s);
  for (int i = 0; i < 64; ++i) {
    EXPECT_FALSE(scheduler.finish(admit({}), now));  // a hedge's
    EXPECT_FALSE(scheduler.give_up(admit(claim("a", "x")), now));
  }
  EXPECT_EQ(scheduler.facts().per_call, 2s);
}

TEST_F(Scheduling, SlotThatWasGivenUpCostsNothing) {
  Place holder = admit(claim("a", "warm"));
  for (std::uint64_t i = 0; i < 4; ++i) wait(claim("a", "x", 5'000), 1);
  for (std::uint64_t i = 0; i < 4; ++i) wait(claim("a", "y", 1'000), 2);
  holder = scheduler.finish(holder, now)->place;
  const std::optional<Grant> next = scheduler.give_up(holder, now);
  EXPECT_EQ(next->owner, 2U) << "x has had a turn";
  EXPECT_EQ(scheduler.finish(next->place, now)->owner, 1U) << "and nothing for it";
}

TEST_F(Scheduling, ForecastTakesNothing) {
  EXPECT_EQ(scheduler.forecast(claim("a", "x"), now).expected_wait, Duration::zero());
  learn_pace(2s);
  const Place holder = admit(claim("a", "x"));
  EXPECT_EQ(scheduler.forecast(claim("a", "x"), now).expected_wait, 2s);
  EXPECT_EQ(scheduler.forecast(claim("a", "x"), now).position, 1U);
  EXPECT_EQ(drain(holder), Order{});
}

TEST_F(Scheduling, ForecastRefusesWhatJoinWould) {
  Scheduler tight{1, {.size = 2, .user_percent = 50, .max_wait = 3s}};
  const Place holder = tight.join(claim("a", "x"), now).place;
  EXPECT_FALSE(tight.forecast(claim("a", "x"), now).refused);
  EXPECT_FALSE(tight.forecast(claim("a", "x"), now).expected_wait) << "nothing has ended yet";
  EXPECT_EQ(tight.join(claim("a", "x"), now).as, Joined::As::waiting);
  EXPECT_EQ(tight.forecast(claim("a", "x"), now).refused, WhyRefused::user_share);
  EXPECT_EQ(tight.forecast(claim("a", "y"), now).refused, std::nullopt);
  EXPECT_EQ(tight.forecast(claim("a", "y"), now).position, 1U) << "x has had a turn";
  EXPECT_EQ(tight.join(claim("a", "y"), now).as, Joined::As::waiting);
  EXPECT_EQ(tight.forecast(claim("b", "z"), now).refused, WhyRefused::queue_full);
  EXPECT_EQ(tight.facts().waiting[0], 2U);
  EXPECT_TRUE(tight.finish(holder, 100, now));
}

TEST(SchedulerMemory, ForgetsUsersWithoutCalls) {
  Scheduler scheduler{4, {}};
  const Place anchor = scheduler.join(claim("anchor", ""), kNow).place;  // the model is never idle
  for (int i = 0; i < 100'000; ++i) {
    const Place place = scheduler.join(claim("a", "user" + std::to_string(i)), kNow).place;
    EXPECT_FALSE(scheduler.finish(place, kNow));
  }
  EXPECT_LE(scheduler.facts().known_users, FairTree::kMaxIdle + 1);
  EXPECT_LT(scheduler.bytes(), 4U << 20);
  EXPECT_FALSE(scheduler.finish(anchor, kNow));
}

TEST(SchedulerMemory, WaitingCallTakesLessThanAKibibyte) {
  Scheduler scheduler{1, {.size = 10'000}};
  const std::size_t before = scheduler.bytes();
  EXPECT_EQ(scheduler.join(claim("a", ""), kNow).as, Joined::As::admitted);
  for (int i = 0; i < 10'000; ++i)
    ASSERT_EQ(scheduler.join(claim("a", "user" + std::to_string(i)), kNow).as, Joined::As::waiting);
  EXPECT_LT((scheduler.bytes() - before) / 10'000, 512U);
}

}  // namespace
}  // namespace intragate::qos

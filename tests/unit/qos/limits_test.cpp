#include "qos/limits.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/random.h"

namespace intragate::qos {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

constexpr std::uint64_t kSeed = 11;
const WallTime kNoon = sys_days{std::chrono::year{2026} / 1 / 30} + 12h;

class Limiting : public testing::Test {
 protected:
  Moment at(Duration later = {}) const { return {.now = TimePoint{1000s} + later, .wall = kNoon + later}; }
  static Caller caller(std::string_view user, std::string_view key = "dify") {
    return {.key = key, .user = user, .address = IpAddress::v4({10, 0, 0, 1}), .model = "qwen"};
  }
  static LimitRule rule(Per per, const Caps& caps, std::string name = {}) {
    return {.per = per, .name = std::move(name), .caps = caps};
  }
};

TEST_F(Limiting, WithoutRulesEverythingGoes) {
  LimitTable table{{}, kSeed};
  const Verdict verdict = table.reserve(caller("alice"), 1'000'000, at());
  EXPECT_FALSE(verdict.overrun);
  EXPECT_EQ(verdict.requests.limit, 0U);
  EXPECT_EQ(table.subjects(), 0U);
}

TEST_F(Limiting, EachUserHasItsOwnCounter) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 1})}, kSeed};
  EXPECT_FALSE(table.reserve(caller("alice"), 0, at()).overrun);
  EXPECT_TRUE(table.reserve(caller("alice"), 0, at()).overrun);
  EXPECT_FALSE(table.reserve(caller("bob"), 0, at()).overrun);
  EXPECT_FALSE(table.reserve(caller("alice", "other key"), 0, at()).overrun) << "another key's alice is somebody else";
}

TEST_F(Limiting, UserRulesLeaveCallsWithoutAUserAlone) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 1})}, kSeed};
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(table.reserve(caller(""), 0, at()).overrun);
}

TEST_F(Limiting, FirstRuleThatMatchesIsTheOnlyOneOfItsKind) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 3}, "boss"), rule(Per::user, {.requests_per_minute = 1}),
                    rule(Per::user, {.requests_per_minute = 100}, "alice")},
                   kSeed};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(table.reserve(caller("boss"), 0, at()).overrun);
  EXPECT_EQ(table.reserve(caller("boss"), 0, at()).overrun->rule, 0U);
  EXPECT_FALSE(table.reserve(caller("alice"), 0, at()).overrun);
  EXPECT_EQ(table.reserve(caller("alice"), 0, at()).overrun->rule, 1U);
}

TEST_F(Limiting, AllKindsMustAllowTheCallOrNothingIsTaken) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 5}), rule(Per::key, {.requests_per_minute = 2}),
                    rule(Per::model, {.requests_per_minute = 100})},
                   kSeed};
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(table.reserve(caller("alice"), 0, at()).overrun);
  for (int i = 0; i < 20; ++i) {
    const Verdict refused = table.reserve(caller("alice"), 0, at());
    ASSERT_TRUE(refused.overrun);
    EXPECT_EQ(refused.overrun->per, Per::key);
    EXPECT_EQ(refused.overrun->quantity, Quantity::requests_per_minute);
    EXPECT_EQ(refused.overrun->retry_after, 30s);
  }
  table.replace_rules({rule(Per::user, {.requests_per_minute = 5})});
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(table.reserve(caller("alice"), 0, at()).overrun) << "only two were taken";
  EXPECT_TRUE(table.reserve(caller("alice"), 0, at()).overrun);
}

TEST_F(Limiting, SaysTheLimitThatLastsLongest) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 1, .tokens_per_day = 100})}, kSeed};
  ASSERT_FALSE(table.reserve(caller("alice"), 100, at()).overrun);
  const Verdict refused = table.reserve(caller("alice"), 100, at());
  EXPECT_EQ(refused.overrun->quantity, Quantity::tokens_per_day);
  EXPECT_EQ(refused.overrun->retry_after, 12h);
  EXPECT_EQ(refused.overrun->remaining, 0U);
}

TEST_F(Limiting, OfSeveralRulesTheOneThatLastsLongestIsTold) {
  LimitTable table{{rule(Per::key, {.requests_per_minute = 2}), rule(Per::user, {.requests_per_minute = 1}),
                    rule(Per::model, {.requests_per_minute = 2})},
                   kSeed};
  ASSERT_FALSE(table.reserve(caller("bob"), 0, at()).overrun);
  ASSERT_FALSE(table.reserve(caller("alice"), 0, at()).overrun);
  const Verdict refused = table.reserve(caller("alice"), 0, at());
  EXPECT_EQ(refused.overrun->per, Per::user);
  EXPECT_EQ(refused.overrun->rule, 1U);
  EXPECT_EQ(refused.overrun->retry_after, 60s);
}

TEST_F(Limiting, ConcurrencyIsGivenBackOnceTheCallEnds) {
  LimitTable table{{rule(Per::user, {.concurrency = 2})}, kSeed};
  const Verdict first = table.reserve(caller("alice"), 0, at());
  const Verdict second = table.reserve(caller("alice"), 0, at());
  const Verdict third = table.reserve(caller("alice"), 0, at());
  ASSERT_TRUE(third.overrun);
  EXPECT_EQ(third.overrun->quantity, Quantity::concurrency);
  EXPECT_GE(third.overrun->retry_after, 1s);
  table.commit(first.reservation, 10, at(1s));
  EXPECT_FALSE(table.reserve(caller("alice"), 0, at(1s)).overrun);
  table.cancel(second.reservation, at(1s));
  EXPECT_FALSE(table.reserve(caller("alice"), 0, at(1s)).overrun);
}

TEST_F(Limiting, TokensAreCorrectedToWhatWasUsed) {
  LimitTable table{{rule(Per::user, {.tokens_per_minute = 1000, .tokens_per_day = 5000, .tokens_per_month = 9000})},
                   kSeed};
  const Verdict verdict = table.reserve(caller("alice"), 800, at());
  EXPECT_EQ(verdict.tokens.limit, 1000U);
  EXPECT_EQ(verdict.tokens.remaining, 200U);
  EXPECT_TRUE(table.reserve(caller("alice"), 300, at()).overrun);
  table.commit(verdict.reservation, 100, at());
  EXPECT_EQ(table.reserve(caller("alice"), 300, at()).tokens.remaining, 600U);
  EXPECT_EQ(table.export_windows(at())[0].day_tokens, 400U);
  EXPECT_EQ(table.export_windows(at())[0].month_tokens, 400U);
}

TEST_F(Limiting, CallThatNeverReachedAModelDoesNotCount) {
  LimitTable table{{rule(Per::key, {.requests_per_minute = 1, .tokens_per_minute = 100, .tokens_per_day = 100})},
                   kSeed};
  for (int i = 0; i < 5; ++i) {
    const Verdict verdict = table.reserve(caller("alice"), 100, at());
    ASSERT_FALSE(verdict.overrun) << i;
    table.cancel(verdict.reservation, at());
  }
}

TEST_F(Limiting, HeadersTellTheScarcestLimit) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 10}), rule(Per::key, {.requests_per_minute = 100})}, kSeed};
  const Verdict verdict = table.reserve(caller("alice"), 0, at());
  EXPECT_EQ(verdict.requests.limit, 10U);
  EXPECT_EQ(verdict.requests.remaining, 9U);
  EXPECT_EQ(verdict.requests.reset, 6s);
}

TEST_F(Limiting, AddressRulesMayNameARange) {
  LimitTable table{{rule(Per::address, {.requests_per_minute = 1}, "10.0.0.0/8")}, kSeed};
  Caller inside = caller("alice");
  Caller outside = caller("alice");
  outside.address = IpAddress::v4({192, 168, 0, 1});
  EXPECT_FALSE(table.reserve(inside, 0, at()).overrun);
  EXPECT_TRUE(table.reserve(inside, 0, at()).overrun);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(table.reserve(outside, 0, at()).overrun);
  inside.address = IpAddress::v4({10, 9, 9, 9});
  EXPECT_FALSE(table.reserve(inside, 0, at()).overrun) << "each address of the range by itself";
}

TEST_F(Limiting, DaysAndMonthsEndWithTheCalendar) {
  LimitTable table{{rule(Per::user, {.tokens_per_day = 100, .tokens_per_month = 150})}, kSeed};
  table.commit(table.reserve(caller("alice"), 100, at()).reservation, 100, at());
  EXPECT_TRUE(table.reserve(caller("alice"), 1, at(12h - 1ns)).overrun);
  table.commit(table.reserve(caller("alice"), 50, at(12h)).reservation, 50, at(12h));  // 31 January
  const Verdict month = table.reserve(caller("alice"), 1, at(13h));
  ASSERT_TRUE(month.overrun);
  EXPECT_EQ(month.overrun->quantity, Quantity::tokens_per_month);
  EXPECT_EQ(month.overrun->retry_after, 23h);
  EXPECT_FALSE(table.reserve(caller("alice"), 1, at(36h)).overrun) << "1 February";
}

TEST_F(Limiting, WallClockThatGoesBackReopensNothing) {
  LimitTable table{{rule(Per::user, {.tokens_per_day = 100})}, kSeed};
  table.commit(table.reserve(caller("alice"), 100, at()).reservation, 100, at());
  Moment back = at(1s);
  back.wall -= 48h;
  EXPECT_TRUE(table.reserve(caller("alice"), 1, back).overrun);
}

TEST_F(Limiting, WallClockThatWasAheadForADayDoesNotKeepWindowsOpenForYears) {
  LimitTable table{{rule(Per::user, {.tokens_per_day = 100, .tokens_per_month = 1000})}, kSeed};
  Moment ahead = at();
  ahead.wall += 24h * 800;
  table.commit(table.reserve(caller("alice"), 100, ahead).reservation, 100, ahead);
  EXPECT_TRUE(table.reserve(caller("alice"), 1, at(1s)).overrun) << "what was used stays used";
  const Verdict next_day = table.reserve(caller("alice"), 1, at(24h));
  EXPECT_FALSE(next_day.overrun) << "and is over with the day that it is";
  EXPECT_EQ(table.export_windows(at(24h))[0].month_tokens, 101U);
}

TEST_F(Limiting, StepBackOverMidnightIsNoOtherDay) {
  LimitTable table{{rule(Per::user, {.tokens_per_day = 100})}, kSeed};
  table.commit(table.reserve(caller("alice"), 60, at(12h)).reservation, 60, at(12h));
  Moment back = at(12h + 1s);
  back.wall -= 2s;
  EXPECT_FALSE(table.reserve(caller("alice"), 10, back).overrun);
  EXPECT_TRUE(table.reserve(caller("alice"), 50, at(12h + 2s)).overrun) << "the day has not begun anew";
}

TEST_F(Limiting, CallOverMidnightIsNotCountedTwice) {
  LimitTable table{{rule(Per::user, {.tokens_per_day = 1000})}, kSeed};
  const Verdict verdict = table.reserve(caller("alice"), 100, at(11h));
  const Verdict next_day = table.reserve(caller("alice"), 10, at(13h));
  table.commit(verdict.reservation, 130, at(13h));
  table.commit(next_day.reservation, 10, at(13h));
  EXPECT_EQ(table.export_windows(at(13h))[0].day_tokens, 40U) << "30 beyond its estimate, and the other's 10";
  const Verdict generous = table.reserve(caller("alice"), 100, at(14h));
  table.commit(table.reserve(caller("alice"), 10, at(37h)).reservation, 10, at(37h));
  table.commit(generous.reservation, 60, at(37h));
  EXPECT_EQ(table.export_windows(at(37h))[0].day_tokens, 10U) << "what it did not use belongs to the day before";
}

TEST_F(Limiting, ReloadKeepsCounters) {
  LimitTable table{{rule(Per::user, {.requests_per_minute = 10, .tokens_per_day = 100})}, kSeed};
  const Verdict running = table.reserve(caller("alice"), 60, at());
  table.replace_rules({rule(Per::key, {.concurrency = 9}), rule(Per::user, {.concurrency = 1, .tokens_per_day = 80})});
  EXPECT_EQ(table.reserve(caller("alice"), 10, at()).overrun->quantity, Quantity::concurrency)
      << "the call before counts";
  table.commit(running.reservation, 60, at());
  EXPECT_EQ(table.reserve(caller("alice"), 30, at()).overrun->quantity, Quantity::tokens_per_day);
  EXPECT_FALSE(table.reserve(caller("alice"), 20, at()).overrun);
}

TEST_F(Limiting, DayAndMonthCountsSurviveARestart) {
  const std::vector<LimitRule> rules{
      rule(Per::user, {.tokens_per_day = 100}), rule(Per::key, {.tokens_per_month = 1000}),
      rule(Per::address, {.tokens_per_day = 500}), rule(Per::model, {.tokens_per_day = 900})};
  LimitTable before{rules, kSeed};
  before.commit(before.reserve(caller("alice"), 70, at()).reservation, 70, at());
  const std::vector<WindowCount> saved = before.export_windows(at());
  EXPECT_EQ(saved.size(), 4U);

  LimitTable after{rules, kSeed + 1};
  after.import_windows(saved, at());
  EXPECT_EQ(after.export_windows(at()), saved);
  EXPECT_TRUE(after.reserve(caller("alice"), 31, at()).overrun);
  EXPECT_FALSE(after.reserve(caller("alice"), 30, at()).overrun);

  LimitTable tomorrow{rules, kSeed};
  tomorrow.import_windows(saved, at(24h));
  EXPECT_EQ(tomorrow.export_windows(at(24h)).size(), 1U) << "only the month goes on";
}

TEST_F(Limiting, ForgetsSubjectsOfWhichNothingMatters) {
  LimitTable table{{rule(Per::user, {.concurrency = 5, .requests_per_minute = 60, .tokens_per_day = 100})}, kSeed};
  const Verdict running = table.reserve(caller("runs"), 0, at());
  table.commit(table.reserve(caller("used"), 5, at()).reservation, 5, at());
  table.commit(table.reserve(caller("gone"), 0, at()).reservation, 0, at());
  EXPECT_EQ(table.subjects(), 3U);
  table.forget_idle(at());
  EXPECT_EQ(table.subjects(), 3U) << "their minute is not over";
  table.forget_idle(at(2s));
  EXPECT_EQ(table.subjects(), 2U);
  table.commit(running.reservation, 0, at(2s));
  table.forget_idle(at(24h));
  EXPECT_EQ(table.subjects(), 0U);
}

TEST_F(Limiting, TableIsBoundedAndKeepsThoseInUse) {
  LimitTable table{{rule(Per::user, {.concurrency = 1, .tokens_per_day = 100})}, kSeed, 100};
  const Verdict held = table.reserve(caller("busy"), 0, at());
  for (int i = 0; i < 1000; ++i)
    table.commit(table.reserve(caller("user" + std::to_string(i)), 100, at()).reservation, 100, at());
  EXPECT_LE(table.subjects(), 100U);
  EXPECT_TRUE(table.reserve(caller("busy"), 0, at()).overrun) << "it has a call";
  EXPECT_TRUE(table.reserve(caller("user999"), 1, at()).overrun) << "used lately";
  table.commit(held.reservation, 0, at());
  EXPECT_FALSE(table.reserve(caller("busy"), 0, at()).overrun);
}

TEST_F(Limiting, RulesGiveWeightAndPriority) {
  LimitRule key = rule(Per::key, {}, "dify");
  key.weight = 4;
  key.priority = Priority::batch;
  LimitRule user = rule(Per::user, {}, "boss");
  user.weight = 2;
  user.priority = Priority::interactive;
  const LimitRules rules{{user, key}};
  EXPECT_EQ(rules.rank(caller("boss")).key_weight, 4U);
  EXPECT_EQ(rules.rank(caller("boss")).user_weight, 2U);
  EXPECT_EQ(rules.rank(caller("boss")).priority, Priority::interactive) << "the nearer rule decides";
  EXPECT_EQ(rules.rank(caller("alice")).priority, Priority::batch);
  EXPECT_EQ(rules.rank(caller("x", "other")).key_weight, 1U);
}

// Random calls, ends, reloads; a naive sum beside.
TEST_F(Limiting, CountersReturnToZeroWhateverHappens) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Random random{seed};
    const std::vector<LimitRule> some{
        rule(Per::user, {.concurrency = 3, .tokens_per_minute = 5000, .tokens_per_day = 200'000}),
        rule(Per::key, {.concurrency = 7, .requests_per_minute = 600})};
    std::vector<LimitRule> others = some;
    others[0].caps.concurrency = 2;
    LimitTable table{some, seed};
    std::map<std::string, int> running;
    std::map<std::string, std::uint64_t> used;
    std::vector<std::pair<std::string, Reservation>> open;
    Duration time{};
    std::uint32_t most = 3;
    for (int i = 0; i < 4000; ++i) {
      time += Duration{static_cast<Duration::rep>(random.unit() * 1e9)};
      const std::string user(1, static_cast<char>('a' + random.next() % 4));
      if (random.next() % 50 == 0) {
        most = most == 3 ? 2 : 3;
        table.replace_rules(most == 3 ? some : others);
      } else if (random.next() % 2 == 0) {
        const std::uint64_t tokens = random.next() % 1000;
        const Verdict verdict = table.reserve(caller(user), tokens, at(time));
        if (verdict.overrun) continue;
        ASSERT_LT(running[user], static_cast<int>(most));
        ASSERT_LT(open.size(), 7U);
        ++running[user];
        open.emplace_back(user, verdict.reservation);
        used[user] += tokens;
      } else if (!open.empty()) {
        const std::size_t which = random.next() % open.size();
        const auto [owner, reservation] = open[which];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(which));
        --running[owner];
        const std::uint64_t tokens = random.next() % 3 == 0 ? 0 : random.next() % 2000;
        used[owner] -= reservation.tokens;
        used[owner] += tokens;
        tokens == 0 ? table.cancel(reservation, at(time)) : table.commit(reservation, tokens, at(time));
      }
    }
    for (const auto& [owner, reservation] : open) table.cancel(reservation, at(time));
    for (const auto& [owner, reservation] : open) used[owner] -= reservation.tokens;
    for (const WindowCount& count : table.export_windows(at(time)))
      EXPECT_EQ(count.day_tokens, used[count.name]) << seed;
    table.forget_idle(at(time + 24h));
    EXPECT_EQ(table.subjects(), 0U);
  }
}

}  // namespace
}  // namespace intragate::qos

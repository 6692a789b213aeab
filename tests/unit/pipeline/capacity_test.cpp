#include "pipeline/capacity.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"
#include "qos/scheduler.h"

namespace intragate::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kNow{1000s};

TEST(PaceOf, StreamTellsTheTimeBetweenItsTokens) {
  const qos::PaceSample sample =
      pace_of({.stream = true, .first_byte = 1s, .last_event = 3s, .whole = 9s, .prompt = 7, .answer = 101});
  EXPECT_EQ(sample.between_tokens, Duration{20ms});
  EXPECT_EQ(sample.first_byte, Duration{}) << "told when it came";
}

TEST(PaceOf, StreamThatWaitedForItsClientSaysNothing) {
  const AnswerTimes times{.stream = true, .held_up = true, .first_byte = 1s, .last_event = 3s, .answer = 101};
  EXPECT_EQ(pace_of(times).between_tokens, Duration{});
}

TEST(PaceOf, StreamOfOneTokenHasNoPace) {
  EXPECT_EQ(pace_of({.stream = true, .first_byte = 1s, .last_event = 1s, .answer = 1}).between_tokens, Duration{});
  EXPECT_EQ(pace_of({.stream = true, .first_byte = 1s, .last_event = {}, .answer = 5}).between_tokens, Duration{});
}

TEST(PaceOf, AnswerInOnePieceIsJudgedByWhatTookItsTime) {
  const qos::PaceSample much = pace_of({.whole = 2s, .prompt = 10, .answer = 100});
  EXPECT_EQ(much.between_tokens, Duration{20ms});
  EXPECT_EQ(much.first_byte, Duration{});
  const qos::PaceSample little = pace_of({.whole = 2s, .prompt = 10, .answer = 3});
  EXPECT_EQ(little.first_byte, Duration{2s});
  EXPECT_EQ(little.prompt_tokens, 10U);
  EXPECT_EQ(pace_of({.whole = 2s, .prompt = 10}).first_byte, Duration{2s}) << "embeddings";
}

TEST(Capacity, IsWhatIsConfigured) {
  EXPECT_EQ(Capacity{0}.slots(kNow), qos::kUnlimitedSlots);
  EXPECT_EQ(Capacity{7}.slots(kNow), 7U);
  EXPECT_FALSE(Capacity{7}.automatic());
  EXPECT_EQ(Capacity{config::kAutoConcurrency}.slots(kNow), 8U);
}

TEST(Capacity, ShrinksWhenTheEndpointHasTooMuchToDoAndNeverBelowOne) {
  Capacity capacity{config::kAutoConcurrency};
  TimePoint now = kNow;
  capacity.overloaded(now);
  EXPECT_EQ(capacity.slots(now), 5U);
  for (int i = 0; i < 50; ++i) capacity.overloaded(now += 10s);
  EXPECT_EQ(capacity.slots(now), 1U);
}

TEST(Capacity, EnginesOwnSlotsAreTheMost) {
  Capacity capacity{config::kAutoConcurrency};
  capacity.take({.slots = 4});
  EXPECT_EQ(capacity.slots(kNow), 4U);
  capacity.take({});
  for (int i = 0; i < 1000; ++i) capacity.count({.between_tokens = 20ms, .in_flight = 8}, kNow);
  EXPECT_GT(capacity.slots(kNow), 8U) << "an engine that no longer says so is free again";
}

TEST(Capacity, DoesNotGrowWhileTheEngineIsStrained) {
  Capacity capacity{config::kAutoConcurrency};
  const auto load = [&capacity] {
    for (int i = 0; i < 100; ++i) capacity.count({.between_tokens = 20ms, .in_flight = capacity.slots(kNow)}, kNow);
    return capacity.slots(kNow);
  };
  capacity.take({.strained = true});
  EXPECT_GT(load(), 8U) << "once may be chance";
  capacity.take({.strained = true});
  const std::uint32_t before = capacity.slots(kNow);
  EXPECT_EQ(load(), before);
  capacity.take({.strained = false});
  EXPECT_GT(load(), before);
}

TEST(Capacity, SamplesThatSayNothingCloseNoWindow) {
  Capacity capacity{config::kAutoConcurrency};
  for (int i = 0; i < 1000; ++i) capacity.count({.in_flight = 8}, kNow);
  EXPECT_EQ(capacity.slots(kNow), 8U);
}

// A model that works on `knee` calls at once at full pace and shares it among more; calls that always wait; and samples
// taken as pipeline/observe.cpp takes them: a stream's first event when it comes, and every call's end.
class Served {
 public:
  Served(double knee, std::uint64_t seed) : knee_{knee}, random_{seed} {}

  void work(Duration time) {
    constexpr Duration kStep = 20ms;
    for (const TimePoint end = now_ + time; now_ < end; now_ += kStep) {
      while (calls_.size() < capacity.slots(now_)) calls_.push_back(another());
      const double share = std::min(1.0, knee_ / static_cast<double>(calls_.size()));
      for (std::size_t i = 0; i < calls_.size();) {
        if (step(calls_[i], kStep * share)) {
          ++i;
        } else {
          calls_[i] = calls_.back();
          calls_.pop_back();
        }
      }
    }
  }
  [[nodiscard]] std::uint32_t slots() const { return capacity.slots(now_); }
  void change(double knee) { knee_ = knee; }

  Capacity capacity{config::kAutoConcurrency};

 private:
  struct Call {
    bool stream = true;
    std::uint64_t prompt = 0;
    std::uint64_t answer = 0;
    std::chrono::duration<double> done{};  // of its work
    TimePoint sent;
    std::optional<TimePoint> first{};
  };
  Call another() {
    return {.stream = random_.unit() < 0.8,
            .prompt = 100 + random_.next() % 3000,
            .answer = 1 + random_.next() % 300,
            .sent = now_};
  }
  // False: it has ended.
  bool step(Call& call, std::chrono::duration<double> work) {
    call.done += work;
    const std::chrono::duration<double> reading{0.0002 * static_cast<double>(call.prompt + 256)};
    const std::chrono::duration<double> writing{0.02 * static_cast<double>(call.answer)};
    if (!call.first && call.done >= reading) {
      call.first = now_;
      if (call.stream) count({.first_byte = now_ - call.sent, .prompt_tokens = call.prompt});
    }
    if (call.done < reading + writing) return true;
    count(pace_of({.stream = call.stream,
                   .first_byte = *call.first - call.sent,
                   .last_event = now_ - call.sent,
                   .whole = now_ - call.sent,
                   .prompt = call.prompt,
                   .answer = call.answer}));
    return false;
  }
  void count(qos::PaceSample sample) {
    sample.in_flight = static_cast<std::uint32_t>(calls_.size());
    capacity.count(sample, now_);
  }

  double knee_;
  Random random_;
  TimePoint now_ = kNow;
  std::vector<Call> calls_;
};

class CapacityOfAServer : public testing::TestWithParam<double> {};

TEST_P(CapacityOfAServer, SettlesNearWhereItGetsSlow) {
  const double knee = GetParam();
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    Served served{knee, seed};
    served.work(20min);
    std::vector<std::uint32_t> seen;
    for (int minute = 0; minute < 11; ++minute) {
      served.work(1min);
      seen.push_back(served.slots());
    }
    std::sort(seen.begin(), seen.end());
    EXPECT_GE(seen[5], knee) << "the middle one: now and then it looks how fast the quiet server is; seed " << seed;
    EXPECT_LE(seen[5], 3 * knee + 4) << seed;
    EXPECT_LE(seen.back(), 3 * knee + 6) << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Knees, CapacityOfAServer, testing::Values(2, 12, 40));

TEST(Capacity, FollowsAServerThatGetsSlowerAndWellAgain) {
  Served served{32, 7};
  served.work(60min);
  const std::uint32_t before = served.slots();
  served.change(6);
  served.work(30min);
  EXPECT_LT(served.slots(), before / 2);
  served.change(32);
  served.work(90min);
  EXPECT_GE(served.slots(), 24U);
}

}  // namespace
}  // namespace intragate::pipeline

#include "cost.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/random.h"
#include "qos/scheduler.h"

namespace intragate::simulate {
namespace {

std::vector<qos::Claim> claims_of(std::uint32_t users) {
  Random random{1};
  std::vector<qos::Claim> claims;
  const qos::Subject key = qos::subject_of("dify", 1);
  for (std::uint32_t user = 0; user < users; ++user)
    claims.push_back(
        {.key = key, .user = qos::user_of(key, "user-" + std::to_string(user)), .cost = 500 + random.next() % 2000});
  return claims;
}

}  // namespace

SchedulerCost measure_scheduler(std::uint32_t waiting, std::uint32_t users) {
  constexpr std::uint32_t kSlots = 16;
  constexpr int kSteps = 200'000;
  const std::vector<qos::Claim> claims = claims_of(std::max(users, 1U));
  qos::Scheduler scheduler{kSlots, {.size = waiting + 1, .user_percent = 100, .max_wait = std::chrono::hours{1000}}};
  const std::size_t empty = scheduler.bytes();
  TimePoint now{std::chrono::seconds{1000}};
  std::size_t turn = 0;
  std::vector<qos::Place> running;
  for (std::uint32_t i = 0; i < waiting + (waiting == 0 ? kSlots / 2 : kSlots); ++i) {
    const qos::Joined joined = scheduler.join(claims[turn++ % claims.size()], now);
    if (joined.as == qos::Joined::As::admitted) running.push_back(joined.place);
  }
  SchedulerCost cost{.nanoseconds = 0, .bytes = waiting == 0 ? 0 : (scheduler.bytes() - empty) / waiting};
  std::vector<double> rounds;
  for (int round = 0; round < 9; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int step = 0; step < kSteps; ++step) {
      now += std::chrono::microseconds{50};
      qos::Place& place = running[static_cast<std::size_t>(step) % running.size()];
      const qos::Joined joined = scheduler.join(claims[turn++ % claims.size()], now);
      const std::optional<qos::Grant> grant = scheduler.finish(place, 1000, now);
      place = grant ? grant->place : joined.place;
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    rounds.push_back(took.count() / kSteps);
  }
  std::nth_element(rounds.begin(), rounds.begin() + 4, rounds.end());
  cost.nanoseconds = rounds[4];
  return cost;
}

}  // namespace intragate::simulate

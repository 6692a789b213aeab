#include "check/at_once.h"

#include <algorithm>
#include <vector>

#include "check/judge.h"
#include "net/loop.h"
#include "net/wait.h"

namespace intragate::check {
namespace {

// One of several; what it refers to outlives it.
struct Race {
  Asker& asker;
  Watch watch;
  std::vector<Duration> times{};
  std::size_t left = 0;
  net::Signal over{};
};

net::Task<void> run_one(Race& race, Question question) {
  Result<Answer> answer = co_await race.asker.try_to_ask(std::move(question));
  const bool good = answer && answer->status == 200 && !answer->arrivals.empty();
  Duration time = kNever;
  if (good) time = race.watch == Watch::end ? answer->ended : answer->arrivals.front().at;
  race.times.push_back(time);
  if (--race.left == 0) race.over.set();
}

}  // namespace

net::Task<Duration> median_at_once(Asker& asker, std::string path, std::string body, Watch watch, std::uint32_t calls) {
  Race race{asker, watch};
  race.left = calls;
  for (std::uint32_t i = 0; i < calls; ++i) {
    Question question = post(path, body);
    asker.loop().spawn(run_one(race, std::move(question)));
  }
  (void)co_await race.over.wait(asker.loop(), {});
  const auto middle = race.times.begin() + static_cast<std::ptrdiff_t>(race.times.size() / 2);
  std::nth_element(race.times.begin(), middle, race.times.end());
  co_return *middle;
}

}  // namespace intragate::check

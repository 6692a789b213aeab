// Simulates the fair queue beside FIFO and round robin and prints how fair they are, who waits how long, and what the
// scheduler costs. Options: --hours N (2), --slots N (16), --seed N (1). Ends with 1 when a target is missed.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "cost.h"
#include "figures.h"
#include "policy.h"
#include "world.h"

namespace intragate::simulate {
namespace {

struct Contender {
  const char* name;
  std::unique_ptr<Policy> (*make)(std::uint32_t slots);
};
constexpr Contender kContenders[] = {{"FIFO", make_fifo}, {"round robin", make_round_robin}, {"ours", make_fair}};

// 100 users who always want more, with short, usual and long calls; 20 people who chat.
std::vector<Group> crowd() {
  return {{.name = "heavy, chat", .users = 40, .kind = Kind::conversation, .calls = 8},
          {.name = "heavy, seen", .users = 10, .kind = Kind::conversation, .calls = 8, .pictures = 0.5},
          {.name = "heavy, code", .users = 30, .kind = Kind::code, .calls = 8},
          {.name = "heavy, long", .users = 20, .kind = Kind::conversation, .calls = 8, .scale = 3},
          {.name = "light", .users = 20, .kind = Kind::conversation, .calls = 1, .pause = 120}};
}

// One user's thousand calls, some with pictures, and one person.
std::vector<Group> one_against_one() {
  return {{.name = "heavy", .users = 1, .kind = Kind::conversation, .calls = 1000, .pictures = 0.05},
          {.name = "light", .users = 1, .kind = Kind::conversation, .calls = 1, .pause = 30}};
}

// Fewer heavy users than slots, so that each holds several: one always shows pictures, one sometimes.
std::vector<Group> few() {
  return {{.name = "heavy, chat", .users = 2, .kind = Kind::conversation, .calls = 40},
          {.name = "always", .users = 1, .kind = Kind::conversation, .calls = 40, .pictures = 1},
          {.name = "sometimes", .users = 1, .kind = Kind::conversation, .calls = 40, .pictures = 0.2},
          {.name = "light", .users = 4, .kind = Kind::conversation, .calls = 1, .pause = 60}};
}

// Nobody is heavy: the model has more slots than it needs most of the time.
std::vector<Group> calm_day() {
  return {{.name = "light", .users = 120, .kind = Kind::conversation, .calls = 1, .pause = 60}};
}

// Fairness among those who always wait, and the waits of all.
bool report(const Setting& setting, const Contender& contender, bool judged) {
  const std::unique_ptr<Policy> policy = contender.make(setting.slots);
  const Outcome outcome = simulate(setting, *policy);
  std::vector<double> heavy;
  for (const Served& group : outcome.groups) {
    if (group.group != "light") heavy.insert(heavy.end(), group.tokens.begin(), group.tokens.end());
  }
  const double fairness = jain(heavy);
  std::printf("%-12s Jain %.4f   idle %.2f %%, while somebody waits %.2f %%   mean service time %.2f s\n",
              contender.name, fairness, 100 * outcome.idle, 100 * outcome.idle_waiting, outcome.service_time);
  double light = 0;
  for (const Served& group : outcome.groups) {
    const double median = percentile(group.waits, 50);
    const double late = percentile(group.waits, 99);
    if (group.group == "light") light = late / outcome.service_time;
    std::printf("    %-12s %6zu calls   wait p50 %8.2f s   p99 %8.2f s = %7.2f service times\n", group.group.c_str(),
                group.waits.size(), median, late, late / outcome.service_time);
    if (group.misses.empty()) continue;
    std::printf("    %-12s wait / forecast: p10 %.2f   p50 %.2f   p90 %.2f\n", "", percentile(group.misses, 10),
                percentile(group.misses, 50), percentile(group.misses, 90));
  }
  return !judged || (fairness >= 0.98 && light <= 1.2 && outcome.idle_waiting == 0);
}

bool report_all(const char* title, Setting setting, std::vector<Group> groups) {
  setting.groups = std::move(groups);
  std::printf("\n%s; %u slots, %.0f h, seed %llu\n", title, setting.slots, setting.seconds / 3600,
              static_cast<unsigned long long>(setting.seed));
  bool good = true;
  for (const Contender& contender : kContenders)
    good = report(setting, contender, std::string_view{contender.name} == "ours") && good;
  return good;
}

void report_cost() {
  std::printf("\nscheduler: join + finish\n");
  struct Load {
    const char* name;
    std::uint32_t waiting;
    std::uint32_t users;
  };
  constexpr Load kLoads[] = {{"a slot is free", 0, 1000},
                             {"1 waits", 1, 1000},
                             {"1,000 wait, 100 users", 1000, 100},
                             {"1,000 wait, 1,000 users", 1000, 1000},
                             {"10,000 wait, 100 users", 10000, 100},
                             {"10,000 wait, 10,000 users", 10000, 10000}};
  for (const Load& load : kLoads) {
    const SchedulerCost cost = measure_scheduler(load.waiting, load.users);
    std::printf("    %-26s %6.0f ns", load.name, cost.nanoseconds);
    if (load.waiting >= 1000) std::printf("   %4zu bytes for each waiting call", cost.bytes);
    std::printf("\n");
  }
}

}  // namespace
}  // namespace intragate::simulate

int main(int argc, char** argv) {
  using namespace intragate::simulate;
  Setting setting;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const double value = std::atof(argv[i + 1]);
    if (option == "--hours") setting.seconds = value * 3600;
    if (option == "--slots") setting.slots = static_cast<std::uint32_t>(value);
    if (option == "--seed") setting.seed = static_cast<std::uint64_t>(value);
  }
  bool good = report_all("100 heavy users and 20 light ones, one key", setting, crowd());
  good = report_all("one user with 1,000 calls and a light one", setting, one_against_one()) && good;
  good = report_all("four heavy users, two of them with pictures", setting, few()) && good;
  good = report_all("120 light users, nobody heavy", setting, calm_day()) && good;
  report_cost();
  std::printf(
      "\n%s\n",
      good ? "targets met: Jain >= 0.98, light users' p99 wait <= 1.2 service times, no idle slot while somebody waits"
           : "TARGETS MISSED");
  return good ? 0 : 1;
}

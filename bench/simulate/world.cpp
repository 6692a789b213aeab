#include "world.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <queue>

#include "qos/claim.h"

namespace intragate::simulate {
namespace {

struct Event {
  double at = 0;
  std::uint64_t order = 0;
  std::uint32_t user = 0;
  std::uint32_t call = 0;
  bool ends = false;  // else: the user asks something
  bool operator>(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
};

struct Person {
  std::size_t group = 0;
  std::size_t number = 0;  // within the group
};

struct Pending {
  Call call;
  double came = 0;
  double forecast = 0;
};

double service_time(const Call& call) {
  return 0.1 + static_cast<double>(call.prompt) / 8000 + static_cast<double>(call.answer) / 40;
}

class World {
 public:
  World(const Setting& setting, Policy& policy) : setting_{setting}, policy_{policy}, random_{setting.seed} {
    for (std::size_t group = 0; group < setting.groups.size(); ++group) {
      const Group& one = setting.groups[group];
      outcome_.groups.push_back(
          {.group = one.name, .tokens = std::vector<double>(one.users), .waits = {}, .misses = {}});
      for (std::size_t number = 0; number < one.users; ++number) {
        const auto user = static_cast<std::uint32_t>(people_.size());
        people_.push_back({group, number});
        for (std::uint32_t i = 0; i < one.calls; ++i) ask_later(user, one.pause == 0 ? random_.unit() : pause(one));
      }
    }
  }

  Outcome run() {
    while (!events_.empty() && events_.top().at < setting_.seconds) {
      const Event event = events_.top();
      events_.pop();
      pass_time(event.at);
      event.ends ? end(event) : ask(event.user);
    }
    outcome_.service_time = served_ == 0 ? 0 : service_ / served_;
    const double total = setting_.slots * (setting_.seconds - setting_.warm_up);
    outcome_.idle /= total;
    outcome_.idle_waiting /= total;
    return outcome_;
  }

 private:
  TimePoint time() const { return TimePoint{Duration{static_cast<Duration::rep>(now_ * 1e9)}}; }
  double pause(const Group& group) { return draw_pause(group.pause, random_); }
  std::uint64_t estimated(std::uint64_t prompt, const Group& group) {
    if (random_.unit() < group.pictures) return 32'768;
    return 1 + static_cast<std::uint64_t>(static_cast<double>(prompt) * std::exp2(2 * random_.unit() - 1));
  }
  void ask_later(std::uint32_t user, double after) {
    events_.push({.at = now_ + after, .order = ++order_, .user = user, .call = 0, .ends = false});
  }

  void pass_time(double to) {
    if (to > setting_.warm_up) {
      const double time = (to - std::max(now_, setting_.warm_up)) * (setting_.slots - policy_.running());
      outcome_.idle += time;
      if (policy_.waiting() > 0) outcome_.idle_waiting += time;
    }
    now_ = to;
  }

  void ask(std::uint32_t user) {
    const Group& group = setting_.groups[people_[user].group];
    const Length length = draw_length(group.kind, random_);
    const std::uint32_t id = ++last_call_;
    Pending pending{.call = {.id = id, .user = user}, .came = now_};
    pending.call.prompt = 1 + static_cast<std::uint64_t>(static_cast<double>(length.prompt) * group.scale);
    pending.call.answer = 1 + static_cast<std::uint64_t>(static_cast<double>(length.answer) * group.scale);
    pending.call.estimate = estimated(pending.call.prompt, group);
    calls_[id] = pending;
    if (policy_.come(pending.call, time())) return start(id);
    calls_.at(id).forecast = static_cast<double>(policy_.forecast(id, time()).count()) / 1e9;
  }

  void start(std::uint32_t id) {
    const Pending& pending = calls_.at(id);
    events_.push({.at = now_ + service_time(pending.call),
                  .order = ++order_,
                  .user = pending.call.user,
                  .call = id,
                  .ends = true});
    if (pending.came < setting_.warm_up) return;
    served(pending.call.user).waits.push_back(now_ - pending.came);
    if (pending.forecast > 0) served(pending.call.user).misses.push_back((now_ - pending.came) / pending.forecast);
  }

  void end(const Event& event) {
    const Pending pending = calls_.at(event.call);
    calls_.erase(event.call);
    if (now_ >= setting_.warm_up) {
      const Person& person = people_[event.user];
      served(event.user).tokens[person.number] +=
          static_cast<double>(qos::cost_of(pending.call.prompt, pending.call.answer));
      service_ += service_time(pending.call);
      ++served_;
    }
    const Group& group = setting_.groups[people_[event.user].group];
    // A heavy user's next call is there before the slot is given away.
    if (group.pause == 0) {
      ask(event.user);
    } else {
      ask_later(event.user, pause(group));
    }
    if (const std::optional<std::uint32_t> next = policy_.end(pending.call, time())) start(*next);
  }

  Served& served(std::uint32_t user) { return outcome_.groups[people_[user].group]; }

  const Setting& setting_;
  Policy& policy_;
  Random random_;
  double now_ = 0;
  std::uint64_t order_ = 0;
  std::uint32_t last_call_ = 0;
  std::vector<Person> people_;
  std::map<std::uint32_t, Pending> calls_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Outcome outcome_;
  double service_ = 0;
  double served_ = 0;
};

}  // namespace

Outcome simulate(const Setting& setting, Policy& policy) {
  return World{setting, policy}.run();
}

}  // namespace intragate::simulate

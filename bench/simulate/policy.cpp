#include "policy.h"

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "qos/answer_length.h"
#include "qos/scheduler.h"

namespace intragate::simulate {
namespace {

class Fifo : public Policy {
 public:
  explicit Fifo(std::uint32_t slots) : slots_{slots} {}
  bool come(const Call& call, TimePoint) override {
    if (running_ < slots_) {
      ++running_;
      return true;
    }
    queue_.push_back(call.id);
    return false;
  }
  std::optional<std::uint32_t> end(const Call&, TimePoint) override {
    if (queue_.empty()) {
      --running_;
      return std::nullopt;
    }
    const std::uint32_t next = queue_.front();
    queue_.pop_front();
    return next;
  }
  std::uint32_t running() const override { return running_; }
  std::uint32_t waiting() const override { return static_cast<std::uint32_t>(queue_.size()); }

 private:
  std::uint32_t slots_;
  std::uint32_t running_ = 0;
  std::deque<std::uint32_t> queue_;
};

class RoundRobin : public Policy {
 public:
  explicit RoundRobin(std::uint32_t slots) : slots_{slots} {}
  bool come(const Call& call, TimePoint) override {
    if (running_ < slots_) {
      ++running_;
      return true;
    }
    std::deque<std::uint32_t>& queue = queues_[call.user];
    if (queue.empty()) turns_.push_back(call.user);
    queue.push_back(call.id);
    ++waiting_;
    return false;
  }
  std::optional<std::uint32_t> end(const Call&, TimePoint) override {
    if (turns_.empty()) {
      --running_;
      return std::nullopt;
    }
    const std::uint32_t user = turns_.front();
    turns_.pop_front();
    std::deque<std::uint32_t>& queue = queues_[user];
    const std::uint32_t next = queue.front();
    queue.pop_front();
    if (!queue.empty()) turns_.push_back(user);
    --waiting_;
    return next;
  }
  std::uint32_t running() const override { return running_; }
  std::uint32_t waiting() const override { return waiting_; }

 private:
  std::uint32_t slots_;
  std::uint32_t running_ = 0;
  std::uint32_t waiting_ = 0;
  std::map<std::uint32_t, std::deque<std::uint32_t>> queues_;
  std::deque<std::uint32_t> turns_;
};

class Fair : public Policy {
 public:
  explicit Fair(std::uint32_t slots)
      : scheduler_{slots, {.size = 1'000'000, .user_percent = 100, .max_wait = std::chrono::hours{1000}}} {}
  bool come(const Call& call, TimePoint now) override {
    const qos::Subject key = qos::subject_of("dify", 1);
    const qos::Joined joined = scheduler_.join({.key = key,
                                                .user = qos::user_of(key, std::to_string(call.user)),
                                                .cost = qos::cost_of(call.estimate, length_.expected(std::nullopt)),
                                                .owner = call.id},
                                               now);
    places_[call.id] = joined.place;
    return joined.as == qos::Joined::As::admitted;
  }
  std::optional<std::uint32_t> end(const Call& call, TimePoint now) override {
    length_.count(call.answer);
    const qos::Place place = places_.at(call.id);
    places_.erase(call.id);
    const std::optional<qos::Grant> grant = scheduler_.finish(place, qos::cost_of(call.prompt, call.answer), now);
    if (!grant) return std::nullopt;
    return static_cast<std::uint32_t>(grant->owner);
  }
  Duration forecast(std::uint32_t call, TimePoint now) const override {
    const std::optional<qos::Standing> standing = scheduler_.standing(places_.at(call), now);
    return standing ? standing->expected_wait : Duration::zero();
  }
  std::uint32_t running() const override { return scheduler_.facts().running; }
  std::uint32_t waiting() const override { return scheduler_.facts().waiting[0]; }

 private:
  qos::Scheduler scheduler_;
  qos::AnswerLength length_;
  std::map<std::uint32_t, qos::Place> places_;
};

}  // namespace

std::unique_ptr<Policy> make_fifo(std::uint32_t slots) {
  return std::make_unique<Fifo>(slots);
}

std::unique_ptr<Policy> make_round_robin(std::uint32_t slots) {
  return std::make_unique<RoundRobin>(slots);
}

std::unique_ptr<Policy> make_fair(std::uint32_t slots) {
  return std::make_unique<Fair>(slots);
}

}  // namespace intragate::simulate

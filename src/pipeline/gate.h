// A model's slots, shared by all loops: the fair scheduler behind a mutex that is held for the length of a call, and
// who waits on which loop. Owner:  the lane; snapshots share it, and it survives a reload. Outlives every slot ticket
// and Waiting. Thread: any loop. A grant reaches the waiting call as a message to its loop. Does not: read clocks,
// choose endpoints, answer clients (admit.cpp does).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/ticket.h"
#include "net/wait.h"
#include "qos/answer_length.h"
#include "qos/scheduler.h"

namespace intragate::net {
class Loop;
}

namespace intragate::pipeline {

class Gate {
 public:
  Gate(std::uint32_t slots, const qos::QueueBounds& bounds) : slots_{slots}, scheduler_{slots, bounds} {}

  // A slot; the ticket is in the exchange. give_back: the call ended and nobody knows what it cost.
  using Grant = qos::Place;
  void give_back(Grant slot) noexcept;

  // A place in the queue; dying gives it back, and the slot too if one was granted meanwhile.
  class Waiting {
   public:
    struct State;
    Waiting(Gate& gate, qos::Place place, std::shared_ptr<State> state)
        : gate_{&gate}, place_{place}, state_{std::move(state)} {}
    Waiting(Waiting&& other) noexcept = default;
    Waiting& operator=(Waiting&& other) noexcept;
    ~Waiting() { leave(); }
    // co_await: wakes when the slot is there (then take() has it), when the place had to be made free for somebody else
    // (then refusal() says so), or as Until says.
    [[nodiscard]] net::Signal::Awaiter wait(net::Loop& loop, net::Until until) {
      return state_->told.wait(loop, until);
    }
    [[nodiscard]] bool granted() const { return state_->told.is_set() && !state_->refusal; }
    [[nodiscard]] const std::optional<qos::Refusal>& refusal() const { return state_->refusal; }
    // REQUIRES: granted().
    [[nodiscard]] Ticket<Gate> take();
    [[nodiscard]] std::optional<qos::Standing> standing(TimePoint now) const;

    struct State {
      explicit State(net::Loop& on) : loop{on} {}
      net::Loop& loop;
      net::Signal told;
      std::optional<qos::Refusal> refusal;  // written by the loop
    };

   private:
    void leave() noexcept;
    Gate* gate_;
    qos::Place place_;
    std::shared_ptr<State> state_;
  };

  // One of the three.
  struct Entered {
    Ticket<Gate> slot;
    std::optional<Waiting> waiting;
    std::optional<qos::Refusal> refusal;
  };
  // What a call wants: `claim` without its cost, which follows from the tokens of the prompt (estimated), the most that
  // the answer may have, and whether there is an answer in tokens at all.
  struct Wish {
    qos::Claim claim;
    std::uint64_t prompt = 0;
    std::optional<std::uint64_t> most{};
    bool answers = true;
  };
  [[nodiscard]] Entered enter(const Wish& wish, net::Loop& loop, TimePoint now);

  // A slot for a second attempt beside one that has its own: only if one is free and nobody waits for it. Where nothing
  // is bounded, none is needed and none is taken.
  struct Spare {
    bool free = false;
    Ticket<Gate> slot;
  };
  [[nodiscard]] Spare take_spare(TimePoint now);

  // The call is over; its real tokens.
  struct Used {
    std::uint64_t prompt = 0;
    std::uint64_t answer = 0;
    bool whole = false;  // the answer came to its end: it says something about the usual length
  };
  void finish(Ticket<Gate> slot, const Used& used, TimePoint now);

  // How many slots there are now; calls that wait may get one. `version` is that of the lane who says it: calls that
  // began before a reload look at endpoints which are no more, and are not listened to.
  void set_slots(std::uint32_t slots, std::uint32_t version, TimePoint now);
  [[nodiscard]] bool unlimited() const { return slots_.load(std::memory_order_relaxed) == qos::kUnlimitedSlots; }
  // A new lane has taken over, with other rules; older versions have nothing to say from now on.
  struct Rules {
    qos::QueueBounds bounds;
    std::uint32_t slots = 0;
    std::uint32_t version = 0;
  };
  void adopt(const Rules& rules, TimePoint now);

  // Of calls without a slot, where nothing is bounded.
  void count_answer(std::uint64_t completion_tokens);
  [[nodiscard]] qos::AnswerLength answer_length() const;
  [[nodiscard]] qos::SchedulerFacts facts() const;
  [[nodiscard]] qos::FairnessDebt debt() const;
  // What a call would find if it came now.
  [[nodiscard]] qos::Forecast forecast(const Wish& wish, TimePoint now);

 private:
  [[nodiscard]] qos::Claim priced(const Wish& wish) const;  // under the mutex
  void wake(const std::optional<qos::Grant>& grant);        // under the mutex
  void push_out(const qos::Displaced& displaced);           // under the mutex
  void grant(std::uint32_t slots, TimePoint now);           // under the mutex

  std::atomic<std::uint32_t> slots_;
  std::uint32_t version_ = 0;  // of the lane whose slots these are
  mutable std::mutex mutex_;
  qos::Scheduler scheduler_;
  qos::AnswerLength length_;
  TimePoint last_{};                                      // what give_back takes for now
  std::vector<std::shared_ptr<Waiting::State>> waiting_;  // by place
};

}  // namespace intragate::pipeline

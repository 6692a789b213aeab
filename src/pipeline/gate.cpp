#include "pipeline/gate.h"

#include <utility>

#include "net/loop.h"

namespace intragate::pipeline {

Gate::Entered Gate::enter(const Wish& wish, net::Loop& loop, TimePoint now) {
  const std::lock_guard lock{mutex_};
  last_ = now;
  const qos::Joined joined = scheduler_.join(priced(wish), now);
  if (joined.displaced) push_out(*joined.displaced);  // first: its index may be the new call's
  Entered entered;
  switch (joined.as) {
    case qos::Joined::As::admitted: entered.slot = Ticket<Gate>{*this, joined.place}; break;
    case qos::Joined::As::refused: entered.refusal = joined.refusal; break;
    case qos::Joined::As::waiting:
      auto state = std::make_shared<Waiting::State>(loop);
      if (waiting_.size() <= joined.place.index) waiting_.resize(joined.place.index + 1);
      waiting_[joined.place.index] = state;
      entered.waiting.emplace(*this, joined.place, std::move(state));
  }
  return entered;
}

Gate::Spare Gate::take_spare(TimePoint now) {
  if (unlimited()) return {.free = true, .slot = {}};
  const std::lock_guard lock{mutex_};
  last_ = now;
  const qos::SchedulerFacts facts = scheduler_.facts();
  if (facts.running >= facts.slots || facts.waiting[0] + facts.waiting[1] > 0) return {};
  const qos::Joined joined = scheduler_.join({}, now);
  if (joined.as != qos::Joined::As::admitted) {
    if (joined.as == qos::Joined::As::waiting) (void)scheduler_.leave(joined.place);
    return {};
  }
  return {.free = true, .slot = Ticket<Gate>{*this, joined.place}};
}

void Gate::wake(const std::optional<qos::Grant>& grant) {
  if (!grant) return;
  // The message holds the state: the call may have left when it arrives.
  std::shared_ptr<Waiting::State> state = std::move(waiting_[grant->place.index]);
  net::Loop& loop = state->loop;
  loop.post([held = std::move(state)] { held->told.set(); });
}

void Gate::push_out(const qos::Displaced& displaced) {
  std::shared_ptr<Waiting::State> state = std::move(waiting_[displaced.place.index]);
  net::Loop& loop = state->loop;
  loop.post([held = std::move(state), refusal = displaced.refusal] {
    held->refusal = refusal;
    held->told.set();
  });
}

void Gate::give_back(Grant slot) noexcept {
  const std::lock_guard lock{mutex_};
  wake(scheduler_.finish(slot, last_));
}

void Gate::finish(Ticket<Gate> slot, const Used& used, TimePoint now) {
  const qos::Place place = std::move(slot).take();
  const std::lock_guard lock{mutex_};
  last_ = now;
  if (used.whole) length_.count(used.answer);
  wake(scheduler_.finish(place, qos::cost_of(used.prompt, used.answer), now));
}

void Gate::set_slots(std::uint32_t slots, std::uint32_t version, TimePoint now) {
  if (slots_.load(std::memory_order_relaxed) == slots) return;
  const std::lock_guard lock{mutex_};
  if (version == version_) grant(slots, now);
}

void Gate::adopt(const Rules& rules, TimePoint now) {
  const std::lock_guard lock{mutex_};
  version_ = rules.version;
  scheduler_.set_bounds(rules.bounds);
  grant(rules.slots, now);
}

void Gate::grant(std::uint32_t slots, TimePoint now) {
  slots_.store(slots, std::memory_order_relaxed);
  for (const qos::Grant& grant : scheduler_.set_slots(slots, now)) wake(grant);
}

void Gate::count_answer(std::uint64_t completion_tokens) {
  const std::lock_guard lock{mutex_};
  length_.count(completion_tokens);
}

qos::AnswerLength Gate::answer_length() const {
  const std::lock_guard lock{mutex_};
  return length_;
}

qos::SchedulerFacts Gate::facts() const {
  const std::lock_guard lock{mutex_};
  return scheduler_.facts();
}

qos::FairnessDebt Gate::debt() const {
  const std::lock_guard lock{mutex_};
  return scheduler_.debt();
}

qos::Forecast Gate::forecast(const Wish& wish, TimePoint now) {
  const std::lock_guard lock{mutex_};
  return scheduler_.forecast(priced(wish), now);
}

qos::Claim Gate::priced(const Wish& wish) const {
  qos::Claim claim = wish.claim;
  claim.cost = qos::cost_of(wish.prompt, wish.answers ? length_.expected(wish.most) : 0);
  return claim;
}

Gate::Waiting& Gate::Waiting::operator=(Waiting&& other) noexcept {
  if (this == &other) return *this;
  leave();
  gate_ = other.gate_;
  place_ = other.place_;
  state_ = std::move(other.state_);
  return *this;
}

Ticket<Gate> Gate::Waiting::take() {
  state_.reset();
  return {*gate_, place_};
}

std::optional<qos::Standing> Gate::Waiting::standing(TimePoint now) const {
  const std::lock_guard lock{gate_->mutex_};
  return gate_->scheduler_.standing(place_, now);
}

void Gate::Waiting::leave() noexcept {
  if (state_ == nullptr) return;
  state_.reset();
  const std::lock_guard lock{gate_->mutex_};
  const qos::Left left = gate_->scheduler_.leave(place_);
  if (left == qos::Left::queue) gate_->waiting_[place_.index] = nullptr;
  if (left == qos::Left::slot) gate_->wake(gate_->scheduler_.give_up(place_, gate_->last_));
}

}  // namespace intragate::pipeline

#include "qos/scheduler.h"

#include <algorithm>

namespace intragate::qos {
namespace {

constexpr std::int64_t kDearest = 1'000'000'000;  // tokens: beyond is a mistake
constexpr Duration kShortestRetry = std::chrono::seconds{1};
constexpr Duration kLongestRetry = std::chrono::minutes{10};
// A forecast is an estimate: only a call that would be late by a quarter more than it may wait is sent away.
constexpr double kDoubt = 1.25;

std::int64_t charged(std::uint64_t cost) {
  return static_cast<std::int64_t>(std::clamp<std::uint64_t>(cost, 1, kDearest));
}

std::uint64_t part(std::uint32_t size, std::uint32_t percent) {
  return std::uint64_t{size} * percent / 100;
}

bool too_long(Duration wait, Duration allowed) {
  return static_cast<double>(wait.count()) > static_cast<double>(allowed.count()) * kDoubt;
}

}  // namespace

Joined Scheduler::join(const Claim& claim, TimePoint now) {
  FairTree& shares = tree(claim.priority);
  const std::uint32_t user = shares.user_of(claim);
  if (running_ < slots_ && !claim.deadline.reached(now)) {  // a free slot: nobody waits
    const std::uint32_t index = new_call(claim, user, now);
    calls_[index].state = State::running;
    shares.start(user, calls_[index].cost);
    ++running_;
    return {.as = Joined::As::admitted, .place = {index, calls_[index].generation}, .refusal = {}};
  }
  const Duration patience = allowed(claim, now);
  const std::optional<Duration> wait = wait_for(claim, user);
  const std::optional<WhyRefused> why = refuse(claim, user, wait, patience);
  if (why) {
    shares.pass_over(user);
    return {.as = Joined::As::refused, .place = {}, .refusal = refusal(*why, wait, patience)};
  }
  const std::optional<Displaced> displaced = make_room(claim, user);
  const std::uint32_t index = new_call(claim, user, now);
  calls_[index].expires = now + patience;
  if (claim.priority == Priority::batch && shares.waiting() == 0) batch_since_ = now;
  enqueue(index);
  return {.as = Joined::As::waiting, .place = {index, calls_[index].generation}, .refusal = {}, .displaced = displaced};
}

Left Scheduler::leave(Place place) {
  if (find(place, State::running) != nullptr) return Left::slot;
  if (find(place, State::waiting) == nullptr) return Left::nowhere;
  dequeue(place.index);
  release(place.index);
  return Left::queue;
}

std::optional<Grant> Scheduler::finish(Place place, std::uint64_t cost, TimePoint now) {
  const Call* call = find(place, State::running);
  if (call == nullptr) return std::nullopt;
  pace_.count(now - call->since, call->cost);
  return close(place.index, charged(cost) - call->cost, now);
}

std::optional<Grant> Scheduler::give_up(Place place, TimePoint now) {
  const Call* call = find(place, State::running);
  if (call == nullptr) return std::nullopt;
  return close(place.index, -call->cost, now);
}

std::optional<Grant> Scheduler::finish(Place place, TimePoint now) {
  if (find(place, State::running) == nullptr) return std::nullopt;
  return close(place.index, 0, now);
}

std::vector<Grant> Scheduler::set_slots(std::uint32_t slots, TimePoint now) {
  slots_ = slots;
  std::vector<Grant> grants;
  while (std::optional<Grant> next = grant(now)) grants.push_back(*next);
  return grants;
}

std::vector<Expired> Scheduler::expire(TimePoint now) {
  std::vector<Expired> expired;
  while (next_expiry() <= now) {
    const std::uint32_t index = expiries_.top();
    const Call& call = calls_[index];
    expired.push_back({.place = {index, call.generation}, .owner = call.owner, .waited = now - call.since});
    dequeue(index);
    release(index);
  }
  return expired;
}

TimePoint Scheduler::next_expiry() const {
  return expiries_.empty() ? TimePoint::max() : calls_[expiries_.top()].expires;
}

std::optional<Standing> Scheduler::standing(Place place, TimePoint now) const {
  const Call* call = find(place, State::waiting);
  if (call == nullptr) return std::nullopt;
  const double ahead = cost_ahead(*call);
  Standing standing{.position = std::min(waiting(), position_behind(ahead)), .expected_wait = {}};
  if (!pace_.known() || slots_ == 0) return standing;
  standing.expected_wait = wait_behind(ahead);
  const Duration left = call->expires - now;
  // By those before it alone: nobody knows how soon the next slot is free, and who is next may be lucky.
  if (too_long(pace_.time_for(ahead, slots_), left))
    standing.hopeless = refusal(WhyRefused::too_late, standing.expected_wait, left);
  return standing;
}

Forecast Scheduler::forecast(const Claim& claim, TimePoint now) {
  if (running_ < slots_) return {.expected_wait = Duration::zero(), .refused = {}};
  FairTree& shares = tree(claim.priority);
  const std::uint32_t user = shares.user_of(claim);
  double ahead = shares.cost_ahead(user, shares.user(user).waiting_cost);
  if (claim.priority == Priority::batch) ahead += static_cast<double>(tree(Priority::interactive).waiting_cost());
  Forecast forecast{.position = position_behind(ahead), .expected_wait = wait_for(claim, user), .refused = {}};
  forecast.refused = refuse(claim, user, forecast.expected_wait, allowed(claim, now));
  shares.pass_over(user);
  return forecast;
}

SchedulerFacts Scheduler::facts() const {
  return {.slots = slots_,
          .running = running_,
          .waiting = {trees_[0].waiting(), trees_[1].waiting()},
          .per_call = pace_.per_call(),
          .known_users = trees_[0].known_users() + trees_[1].known_users()};
}

FairnessDebt Scheduler::debt() const {
  const FairnessDebt interactive = trees_[0].debt();
  const FairnessDebt batch = trees_[1].debt();
  return {.keys = std::max(interactive.keys, batch.keys), .users = std::max(interactive.users, batch.users)};
}

std::size_t Scheduler::bytes() const {
  return sizeof(*this) + trees_[0].bytes() + trees_[1].bytes() + calls_.bytes() + expiries_.bytes();
}

const Scheduler::Call* Scheduler::find(Place place, State state) const {
  if (place.index >= calls_.end()) return nullptr;
  const Call& call = calls_[place.index];
  return call.state == state && call.generation == place.generation ? &call : nullptr;
}

std::uint32_t Scheduler::new_call(const Claim& claim, std::uint32_t user, TimePoint now) {
  const std::uint32_t index = calls_.take();
  Call& call = calls_[index];
  call.generation = ++generation_;
  call.since = now;
  call.owner = claim.owner;
  call.cost = charged(claim.cost);
  call.user = user;
  call.priority = claim.priority;
  return index;
}

std::optional<WhyRefused> Scheduler::refuse(const Claim& claim, std::uint32_t user, std::optional<Duration> wait,
                                            Duration patience) const {
  const FairTree& shares = tree(claim.priority);
  const std::optional<WhyRefused> full = no_room(claim.priority);
  if (full && !shares.crowder(user)) return full;
  const bool named = claim.user != claim.key;
  if (named && shares.user(user).waiting >= std::max<std::uint64_t>(1, part(bounds_.size, bounds_.user_percent)))
    return WhyRefused::user_share;
  if (patience <= Duration::zero() || (wait && too_long(*wait, patience))) return WhyRefused::too_late;
  return std::nullopt;
}

std::optional<WhyRefused> Scheduler::no_room(Priority priority) const {
  if (waiting() >= bounds_.size) return WhyRefused::queue_full;
  const bool batch = priority == Priority::batch;
  const std::uint64_t most = std::max<std::uint64_t>(1, part(bounds_.size, bounds_.batch_percent));
  if (batch && tree(Priority::batch).waiting() >= most) return WhyRefused::batch_share;
  return std::nullopt;
}

// The youngest call of who has most goes: it has waited least, and those before it keep their turn.
std::optional<Displaced> Scheduler::make_room(const Claim& claim, std::uint32_t user) {
  if (!no_room(claim.priority)) return std::nullopt;
  FairTree& shares = tree(claim.priority);
  const std::uint32_t index = shares.user(*shares.crowder(user)).last;
  const Call& call = calls_[index];
  std::optional<Duration> wait;
  if (pace_.known() && slots_ > 0) wait = wait_behind(cost_ahead(call));
  Displaced displaced{{index, call.generation}, call.owner, refusal(WhyRefused::made_room, wait, {})};
  dequeue(index);
  release(index);
  return displaced;
}

double Scheduler::cost_ahead(const Call& call) const {
  const FairTree& shares = tree(call.priority);
  const std::int64_t before = std::max<std::int64_t>(0, call.queued_before - shares.user(call.user).left_cost);
  const double ahead = shares.cost_ahead(call.user, before);
  if (call.priority == Priority::interactive) return ahead;
  return ahead + static_cast<double>(tree(Priority::interactive).waiting_cost());
}

std::optional<Duration> Scheduler::wait_for(const Claim& claim, std::uint32_t user) const {
  if (!pace_.known() || slots_ == 0) return std::nullopt;
  const FairTree& shares = tree(claim.priority);
  double ahead = shares.cost_ahead(user, shares.user(user).waiting_cost);
  if (claim.priority == Priority::batch) ahead += static_cast<double>(tree(Priority::interactive).waiting_cost());
  return wait_behind(ahead);
}

// How long it may wait at most.
Duration Scheduler::allowed(const Claim& claim, TimePoint now) const {
  return claim.deadline.never() ? bounds_.max_wait : std::min(bounds_.max_wait, claim.deadline.at() - now);
}

// By the mean cost of those who wait.
std::uint32_t Scheduler::position_behind(double cost) const {
  const auto total = static_cast<double>(trees_[0].waiting_cost() + trees_[1].waiting_cost());
  return 1 + static_cast<std::uint32_t>(cost * waiting() / std::max(total, 1.0));
}

// What is ahead, worked off by all slots, and then the next slot that becomes free.
Duration Scheduler::wait_behind(double cost) const {
  return pace_.time_for(cost, slots_) + pace_.per_call() / std::max(slots_, 1U);
}

Refusal Scheduler::refusal(WhyRefused why, std::optional<Duration> wait, Duration allowed) const {
  Refusal facts{.why = why, .expected_wait = wait.value_or(Duration::zero()), .waiting = waiting(), .slots = slots_};
  // Too late: when so much is worked off that it would be in time. Else: when what stands before it is gone.
  Duration pause = facts.expected_wait;
  if (why == WhyRefused::too_late) pause -= std::max(allowed, Duration::zero());
  facts.retry_after = std::clamp(pause, kShortestRetry, kLongestRetry);
  return facts;
}

void Scheduler::enqueue(std::uint32_t index) {
  Call& call = calls_[index];
  call.state = State::waiting;
  FairTree& shares = tree(call.priority);
  User& user = shares.user(call.user);
  call.queued_before = user.queued_cost;
  call.next = kNone;
  call.previous = user.last;
  (user.last == kNone ? user.first : calls_[user.last].next) = index;
  user.last = index;
  shares.queue(call.user, call.cost);
  expiries_.push(index, ByExpiry{calls_});
}

void Scheduler::dequeue(std::uint32_t index) {
  const Call& call = calls_[index];
  FairTree& shares = tree(call.priority);
  User& user = shares.user(call.user);
  (call.previous == kNone ? user.first : calls_[call.previous].next) = call.next;
  (call.next == kNone ? user.last : calls_[call.next].previous) = call.previous;
  expiries_.remove(index, ByExpiry{calls_});
  shares.unqueue(call.user, call.cost);
}

void Scheduler::release(std::uint32_t index) {
  calls_[index].state = State::free;
  calls_.give_back(index);
  calls_.shed();
}

std::optional<Grant> Scheduler::close(std::uint32_t index, std::int64_t overrun, TimePoint now) {
  const Call& call = calls_[index];
  tree(call.priority).end(call.user, overrun);
  release(index);
  --running_;
  return grant(now);
}

std::optional<Grant> Scheduler::grant(TimePoint now) {
  if (running_ >= slots_ || waiting() == 0) return std::nullopt;
  const Priority turn = whose_turn(now);
  FairTree& shares = tree(turn);
  const std::uint32_t user = shares.next();
  const std::uint32_t index = shares.user(user).first;
  Call& call = calls_[index];
  shares.start(user, call.cost);
  dequeue(index);
  if (turn == Priority::batch) batch_since_ = now;
  ++running_;
  call.state = State::running;
  const Duration waited = now - call.since;
  call.since = now;
  return Grant{.place = {index, call.generation}, .owner = call.owner, .waited = waited};
}

Priority Scheduler::whose_turn(TimePoint now) const {
  if (tree(Priority::batch).waiting() == 0) return Priority::interactive;
  if (tree(Priority::interactive).waiting() == 0) return Priority::batch;
  return now - batch_since_ >= bounds_.batch_patience ? Priority::batch : Priority::interactive;
}

}  // namespace intragate::qos

#include "qos/fair_tree.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace intragate::qos {
namespace {

// Smallest counter first; among equals the one served longest ago, a newcomer before all; then by arrival.
template <class Record>
struct ByCounter {
  Slab<Record>& records;
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const {
    const Sharer& x = records[a];
    const Sharer& y = records[b];
    if (x.counter != y.counter) return x.counter < y.counter;
    if (x.last_turn != y.last_turn) return x.last_turn < y.last_turn;
    return x.arrival < y.arrival;
  }
  [[nodiscard]] std::uint32_t& place(std::uint32_t item) const { return records[item].place; }
};

// What might be taken from it for others: its calls beyond the first one of each user.
std::uint64_t crowd(const User& user) {
  return user.waiting - 1;
}
std::uint64_t crowd(const Key& key) {
  return key.waiting - key.users.waiting.size();
}

// Whether so many calls are more, each for its weight.
bool longer(const Sharer& a, std::uint64_t calls_a, const Sharer& b, std::uint64_t calls_b) {
  return calls_a * b.weight > calls_b * a.weight;
}

template <class Record>
struct ByLength {
  Slab<Record>& records;
  [[nodiscard]] bool before(std::uint32_t a, std::uint32_t b) const {
    return longer(records[a], crowd(records[a]), records[b], crowd(records[b]));
  }
  [[nodiscard]] std::uint32_t& place(std::uint32_t item) const { return records[item].place_by_length; }
};

// Those who wait in a level: the least served is on top, the most served anywhere among the leaves.
template <class Record>
std::uint64_t spread(const IndexHeap& waiting, const Slab<Record>& records) {
  if (waiting.empty()) return 0;
  const std::int64_t least = records[waiting.top()].counter;
  std::int64_t most = least;
  for (const std::uint32_t one : waiting.items()) most = std::max(most, records[one].counter);
  return static_cast<std::uint64_t>(most - least);
}

template <class Record>
void set_weight(Level& level, Slab<Record>& records, std::uint32_t index, std::uint32_t weight) {
  records[index].weight = std::max(weight, 1U);
  if (records[index].waiting > 0) level.longest.update(index, ByLength<Record>{records});
}

template <class Record>
void lengthen(Level& level, Slab<Record>& records, std::uint32_t index) {
  if (records[index].waiting++ == 0) {
    level.waiting.push(index, ByCounter<Record>{records});
    level.longest.push(index, ByLength<Record>{records});
  } else {
    level.longest.update(index, ByLength<Record>{records});
  }
}

template <class Record>
void shorten(Level& level, Slab<Record>& records, std::uint32_t index) {
  if (--records[index].waiting == 0) {
    level.waiting.remove(index, ByCounter<Record>{records});
    level.longest.remove(index, ByLength<Record>{records});
  } else {
    level.longest.update(index, ByLength<Record>{records});
  }
}

}  // namespace

std::uint32_t FairTree::user_of(const Claim& claim) {
  std::uint32_t index = user_index_.find(claim.user);
  if (index == kNone) index = new_user(claim);
  User& user = users_[index];
  Key& key = keys_[user.key];
  if (user.weight != claim.user_weight) set_weight(key.users, users_, index, claim.user_weight);
  if (key.weight != claim.key_weight) set_weight(root_, keys_, user.key, claim.key_weight);
  return index;
}

std::uint32_t FairTree::new_user(const Claim& claim) {
  const std::uint32_t key = key_for(claim);
  const std::uint32_t index = users_.take();
  users_[index] = User{};
  users_[index].subject = claim.user;
  users_[index].key = key;
  users_[index].counter = start_of(keys_[key].users);
  ++keys_[key].known_users;
  user_index_.insert(claim.user, index);
  rest(index);
  return index;
}

std::uint32_t FairTree::key_for(const Claim& claim) {
  const std::uint32_t known = key_index_.find(claim.key);
  if (known != kNone) return known;
  const std::uint32_t index = keys_.take();
  keys_[index] = Key{};
  keys_[index].subject = claim.key;
  keys_[index].counter = start_of(root_);
  key_index_.insert(claim.key, index);
  return index;
}

void FairTree::queue(std::uint32_t index, std::int64_t cost) {
  unrest(index);
  User& user = users_[index];
  Key& key = keys_[user.key];
  ++waiting_;
  waiting_cost_ += cost;
  user.waiting_cost += cost;
  user.queued_cost += cost;
  key.waiting_cost += cost;
  if (user.waiting == 0) {
    user.counter = std::max(user.counter, start_of(key.users));
    user.arrival = turn_;
  }
  if (key.waiting == 0) {
    key.counter = std::max(key.counter, start_of(root_));
    key.arrival = turn_;
  }
  lengthen(key.users, users_, index);
  lengthen(root_, keys_, user.key);
  ++turn_;
}

void FairTree::unqueue(std::uint32_t index, std::int64_t cost) {
  User& user = users_[index];
  Key& key = keys_[user.key];
  --waiting_;
  waiting_cost_ -= cost;
  user.waiting_cost -= cost;
  user.left_cost += cost;
  key.waiting_cost -= cost;
  shorten(key.users, users_, index);
  shorten(root_, keys_, user.key);
  rest(index);
}

void FairTree::charge(Level& level, Sharer& sharer, std::int64_t cost) {
  if (sharer.waiting == 0) sharer.counter = std::max(sharer.counter, start_of(level));
  level.virtual_time = std::max(level.virtual_time, sharer.counter);
  sharer.counter += cost * kScale / sharer.weight;
  level.furthest = std::max(level.furthest, sharer.counter);
  sharer.last_turn = turn_;
  ++sharer.running;
}

void FairTree::correct(Level& level, Sharer& sharer, std::int64_t overrun) {
  const std::int64_t floor = std::min(sharer.counter, start_of(level));
  sharer.counter = std::max(sharer.counter + overrun * kScale / sharer.weight, floor);
  level.furthest = std::max(level.furthest, sharer.counter);
}

void FairTree::start(std::uint32_t index, std::int64_t cost) {
  unrest(index);
  User& user = users_[index];
  Key& key = keys_[user.key];
  ++turn_;
  ++running_;
  mean_cost_ = mean_cost_ == 0 ? cost * kScale : mean_cost_ + (cost * kScale - mean_cost_) / 64;
  charge(key.users, user, cost);
  charge(root_, key, cost);
  if (user.waiting > 0) key.users.waiting.update(index, ByCounter<User>{users_});
  if (key.waiting > 0) root_.waiting.update(user.key, ByCounter<Key>{keys_});
}

void FairTree::end(std::uint32_t index, std::int64_t overrun) {
  User& user = users_[index];
  Key& key = keys_[user.key];
  correct(key.users, user, overrun);
  correct(root_, key, overrun);
  if (user.waiting > 0) key.users.waiting.update(index, ByCounter<User>{users_});
  if (key.waiting > 0) root_.waiting.update(user.key, ByCounter<Key>{keys_});
  --user.running;
  --running_;
  // A level without any call begins anew: nobody in it owes anything.
  if (--key.running == 0 && key.waiting == 0) key.users.virtual_time = key.users.furthest;
  if (running_ == 0 && waiting_ == 0) root_.virtual_time = root_.furthest;
  rest(index);
}

std::optional<std::uint32_t> FairTree::crowder(std::uint32_t index) const {
  const User& user = users_[index];
  const auto of_key = [&](const Key& key, std::uint32_t calls) -> std::optional<std::uint32_t> {
    if (key.users.longest.empty()) return std::nullopt;
    const std::uint32_t most = key.users.longest.top();
    if (users_[most].waiting < 2 || longer(user, calls, users_[most], users_[most].waiting - 1)) return std::nullopt;
    return most;
  };
  const Key& own = keys_[user.key];
  if (!root_.longest.empty() && root_.longest.top() != user.key) {
    const Key& key = keys_[root_.longest.top()];
    const bool has_more = !longer(own, own.waiting + 1, key, key.waiting - 1);
    const std::optional<std::uint32_t> found = has_more ? of_key(key, 0) : std::nullopt;
    if (found) return found;
  }
  return of_key(own, user.waiting + 1);
}

// What others in the level get before a call of `one` with `before` in front of it: each of them is served until its
// counter has come to where that call stands, a whole call at a time, as if it went on waiting.
template <class Record>
double FairTree::others_before(const Level& level, const Slab<Record>& records, const Record& one,
                               double before) const {
  const std::span<const std::uint32_t> waiting = level.waiting.items();
  const bool waits = one.waiting > 0;
  const std::int64_t counter = waits ? one.counter : std::max(one.counter, start_of(level));
  const std::int64_t stands = counter + static_cast<std::int64_t>(before * kScale / one.weight);
  const std::size_t looks = std::min(waiting.size(), kSample);
  double sum = 0;
  for (std::size_t i = 0; i < looks; ++i) {
    const Record& other = records[waiting[i * waiting.size() / looks]];
    if (&other == &one || other.counter > stands) continue;
    const bool tie = other.counter == stands;
    if (tie && waits &&
        (other.last_turn != one.last_turn ? other.last_turn > one.last_turn : other.arrival > one.arrival))
      continue;
    const double call = static_cast<double>(other.waiting_cost) / other.waiting;
    const double lag = static_cast<double>(stands - other.counter) * other.weight / kScale;
    sum += std::max(1.0, std::ceil(lag / call)) * call;
  }
  return looks == 0 ? 0 : sum * static_cast<double>(waiting.size()) / static_cast<double>(looks);
}

double FairTree::cost_ahead(std::uint32_t index, std::int64_t before) const {
  const User& user = users_[index];
  const Key& key = keys_[user.key];
  const auto own = static_cast<double>(before);
  const auto in_key_at_most = static_cast<double>(key.waiting_cost - user.waiting_cost);
  const auto elsewhere_at_most = static_cast<double>(waiting_cost_ - key.waiting_cost);
  const double in_key = own + std::min(in_key_at_most, others_before(key.users, users_, user, own));
  return in_key + std::min(elsewhere_at_most, others_before(root_, keys_, key, in_key));
}

FairnessDebt FairTree::debt() const {
  FairnessDebt debt{.keys = spread(root_.waiting, keys_)};
  for (const std::uint32_t key : root_.waiting.items()) {
    debt.users = std::max(debt.users, spread(keys_[key].users.waiting, users_));
  }
  return {.keys = debt.keys / kScale, .users = debt.users / kScale};
}

void FairTree::rest(std::uint32_t index) {
  const User& user = users_[index];
  if (user.idle || user.waiting > 0 || user.running > 0) return;
  append_idle(index);
  forget_some();
}

void FairTree::append_idle(std::uint32_t index) {
  User& user = users_[index];
  user.idle = true;
  user.idle_before = idle_last_;
  user.idle_after = kNone;
  (idle_last_ == kNone ? idle_first_ : users_[idle_last_].idle_after) = index;
  idle_last_ = index;
  ++idle_;
}

void FairTree::unrest(std::uint32_t index) {
  User& user = users_[index];
  if (!user.idle) return;
  user.idle = false;
  (user.idle_before == kNone ? idle_first_ : users_[user.idle_before].idle_after) = user.idle_after;
  (user.idle_after == kNone ? idle_last_ : users_[user.idle_after].idle_before) = user.idle_before;
  --idle_;
}

// Two steps for each one that comes, so that there is no pause and those without debt are soon gone.
void FairTree::forget_some() {
  for (int step = 0; step < 2 && idle_ > kKeepIdle; ++step) {
    const std::uint32_t oldest = idle_first_;
    if (idle_ > kMaxIdle || forgettable(oldest)) {
      forget(oldest);
    } else {
      unrest(oldest);
      append_idle(oldest);
    }
  }
}

// Who stands where a newcomer would stand: forgetting it changes nothing.
bool FairTree::forgettable(std::uint32_t index) const {
  const User& user = users_[index];
  const Key& key = keys_[user.key];
  if (key.known_users == 1) return key.counter <= start_of(root_);
  return user.counter <= start_of(key.users);
}

void FairTree::forget(std::uint32_t index) {
  unrest(index);
  User& user = users_[index];
  user_index_.erase(user.subject);
  if (--keys_[user.key].known_users == 0) {
    key_index_.erase(keys_[user.key].subject);
    keys_.give_back(user.key);
  }
  users_.give_back(index);
}

std::size_t FairTree::bytes() const {
  std::size_t sum = users_.bytes() + keys_.bytes() + user_index_.bytes() + key_index_.bytes() + root_.waiting.bytes() +
                    root_.longest.bytes();
  for (std::uint32_t key = 0; key < keys_.end(); ++key)
    sum += keys_[key].users.waiting.bytes() + keys_[key].users.longest.bytes();
  return sum;
}

}  // namespace intragate::qos

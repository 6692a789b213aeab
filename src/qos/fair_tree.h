// FairTree: whose turn it is, in two levels: key, then end user within the key. Keeps for each of them a counter of
// what it was given, in cost per weight; the smallest counter goes first, the one served longest ago among equals.
// Owner: a scheduler, one tree for each priority. Thread: one at a time. Does not: know slots, time, or single calls.
// Rule: virtual token counters (Sheng et al., "Fairness in Serving Large Language Models", OSDI'24, algorithm 4) with
// the virtual time of start-time fair queueing (Goyal et al. 1996) as counter lift: who comes, or comes back, starts at
// the virtual time less a credit of kCreditCalls usual calls. So idleness earns that much and no more: a question that
// follows quickly on another need not wait for a whole round of heavy users. Charged when a slot is given, corrected
// when the call ends. See docs/decisions/0007-fair-queue.md.
#pragma once

#include <cstdint>
#include <optional>

#include "qos/claim.h"
#include "qos/index_heap.h"
#include "qos/slab.h"
#include "qos/subject_table.h"

namespace intragate::qos {

// One who is served: a user or a key.
struct Sharer {
  Subject subject{};
  std::int64_t counter = 0;       // virtual: cost · kScale / weight
  std::uint64_t last_turn = 0;    // when it was last given something, counted in turns
  std::uint64_t arrival = 0;      // when it began to wait, counted in turns
  std::int64_t waiting_cost = 0;  // of its calls in the queue
  std::uint32_t weight = 1;
  std::uint32_t waiting = 0;  // calls in the queue
  std::uint32_t running = 0;  // calls in slots
  std::uint32_t place = 0;    // in its level's heaps, while it waits
  std::uint32_t place_by_length = 0;
};

// Those who share something: all keys of a tree, or all users of a key.
struct Level {
  IndexHeap waiting;              // whose turn is next on top
  IndexHeap longest;              // … who has most calls waiting for its weight
  std::int64_t virtual_time = 0;  // the counter of whoever was served last; never falls
  std::int64_t furthest = 0;      // the largest counter there was
};

struct User : Sharer {
  std::uint32_t key = kNone;
  std::uint32_t first = kNone;  // its calls in the queue, oldest first: indices of the scheduler's
  std::uint32_t last = kNone;
  bool idle = false;  // without calls: in the list of those who may be forgotten, longest idle first
  std::uint32_t idle_before = kNone;
  std::uint32_t idle_after = kNone;
  std::int64_t queued_cost = 0;  // of all calls that ever joined its queue
  std::int64_t left_cost = 0;    // … and left it
};

struct Key : Sharer {
  Level users;
  std::uint32_t known_users = 0;
};

// How unevenly those who wait have been served: the distance between who got most and who got least, in cost per
// weight, among keys and among the users of one key (the widest of all keys).
struct FairnessDebt {
  std::uint64_t keys = 0;
  std::uint64_t users = 0;
};

class FairTree {
 public:
  static constexpr std::uint32_t kMaxIdle = 8192;  // users without calls that are remembered; then the oldest goes

  // The user of a claim, known or new, with the claim's weights. It stays valid while it has calls.
  std::uint32_t user_of(const Claim& claim);

  // A call of the user joins the queue, leaves it (for a slot or for good), starts in a slot, ends there.
  void queue(std::uint32_t user, std::int64_t cost);
  void unqueue(std::uint32_t user, std::int64_t cost);
  void start(std::uint32_t user, std::int64_t cost);
  void end(std::uint32_t user, std::int64_t overrun);  // real cost minus the charged one
  // Nothing came of user_of(): the claim was refused.
  void pass_over(std::uint32_t user) { rest(user); }

  // The user whose turn it is. REQUIRES: waiting() > 0.
  [[nodiscard]] std::uint32_t next() const { return keys_[root_.waiting.top()].users.waiting.top(); }
  // Who has to make room if a call of this user comes: the user with most calls, of the key with most beyond its users'
  // first ones; if key and user then still have as many for their weight as they who come. Nobody's only call goes.
  [[nodiscard]] std::optional<std::uint32_t> crowder(std::uint32_t user) const;
  // The cost that will probably be served before a call of this user which has `before` in front of it in the user's
  // own queue, of what waits now. An estimate: as if all who wait went on waiting; calls of a queue cost alike; and of
  // many who wait, kSample are looked at.
  [[nodiscard]] double cost_ahead(std::uint32_t user, std::int64_t before) const;

  // O(those who wait): for who looks from outside, not for a call on its way.
  [[nodiscard]] FairnessDebt debt() const;

  [[nodiscard]] User& user(std::uint32_t index) { return users_[index]; }
  [[nodiscard]] const User& user(std::uint32_t index) const { return users_[index]; }
  [[nodiscard]] const Key& key_of(std::uint32_t user) const { return keys_[users_[user].key]; }
  [[nodiscard]] std::uint32_t waiting() const { return waiting_; }
  [[nodiscard]] std::uint32_t running() const { return running_; }
  [[nodiscard]] std::int64_t waiting_cost() const { return waiting_cost_; }
  [[nodiscard]] std::size_t known_users() const { return users_.used(); }
  [[nodiscard]] std::size_t known_keys() const { return keys_.used(); }
  [[nodiscard]] std::size_t bytes() const;

 private:
  static constexpr std::int64_t kScale = 1024;
  static constexpr std::int64_t kCreditCalls = 4;
  static constexpr std::uint32_t kKeepIdle = 1024;  // below this nobody is forgotten
  static constexpr std::size_t kSample = 16;

  std::uint32_t new_user(const Claim& claim);
  std::uint32_t key_for(const Claim& claim);
  // Where a newcomer's counter stands.
  [[nodiscard]] std::int64_t start_of(const Level& level) const {
    return level.virtual_time - kCreditCalls * mean_cost_;
  }
  template <class Record>
  [[nodiscard]] double others_before(const Level& level, const Slab<Record>& records, const Record& one,
                                     double before) const;
  void charge(Level& level, Sharer& sharer, std::int64_t cost);
  // A call cost so much more than it was charged. What is given back puts nobody before a newcomer: virtual time has
  // risen with the charge and does not fall, so that everybody who comes would have to wait for all that was given
  // back.
  void correct(Level& level, Sharer& sharer, std::int64_t overrun);
  void rest(std::uint32_t user);  // if it has no calls
  void append_idle(std::uint32_t user);
  void unrest(std::uint32_t user);
  void forget_some();
  void forget(std::uint32_t user);
  [[nodiscard]] bool forgettable(std::uint32_t user) const;

  Level root_;
  Slab<User> users_;
  Slab<Key> keys_;
  SubjectTable user_index_;
  SubjectTable key_index_;
  std::uint64_t turn_ = 0;
  std::int64_t waiting_cost_ = 0;
  std::int64_t mean_cost_ = 0;  // · kScale, of about the last 64 calls
  std::uint32_t waiting_ = 0;
  std::uint32_t running_ = 0;
  std::uint32_t idle_ = 0;
  std::uint32_t idle_first_ = kNone;
  std::uint32_t idle_last_ = kNone;
};

}  // namespace intragate::qos

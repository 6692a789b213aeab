// The limits of the configuration (`limits:`) as data, and which of them apply to a call.
// Owner: LimitTable. Thread: immutable after construction. Does not: count.
// Rule: for each of user, key, address and model the first rule in the list that matches the call applies, and only
// that one. `user` rules do not apply to calls without an end user: those are many people's, bounded by their key.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "qos/claim.h"

namespace intragate::qos {

enum class Per : std::uint8_t { user, key, address, model };
inline constexpr std::size_t kPerCount = 4;
[[nodiscard]] std::string_view per_name(Per per);

enum class Quantity : std::uint8_t {
  concurrency,
  requests_per_minute,
  tokens_per_minute,
  tokens_per_day,
  tokens_per_month,
};
[[nodiscard]] std::string_view quantity_name(Quantity quantity);

// 0: not limited.
struct Caps {
  std::uint32_t concurrency = 0;
  std::uint64_t requests_per_minute = 0;
  std::uint64_t tokens_per_minute = 0;
  std::uint64_t tokens_per_day = 0;
  std::uint64_t tokens_per_month = 0;
};

// One line of `limits:`.
struct LimitRule {
  Per per = Per::user;
  std::string name{};  // only this user, key, model, address or range of addresses; empty: each of them
  Caps caps{};
  std::optional<std::uint32_t> weight{};  // users and keys: the share of slots
  std::optional<Priority> priority{};
};

// Who calls what. Names that do not apply are empty.
struct Caller {
  std::string_view key{};
  std::string_view user{};
  IpAddress address{};
  std::string_view model{};
};

// A call's share of slots, for its Claim.
struct Rank {
  std::uint32_t key_weight = 1;
  std::uint32_t user_weight = 1;
  Priority priority = Priority::interactive;
};

class LimitRules {
 public:
  explicit LimitRules(std::vector<LimitRule> rules);

  // The index of the rule that applies; nothing if none does.
  [[nodiscard]] std::optional<std::uint32_t> find(Per per, const Caller& caller) const;
  // Weights of the rules that apply to key and user; the priority that the first of user, key, address, model names.
  [[nodiscard]] Rank rank(const Caller& caller) const;
  [[nodiscard]] const LimitRule& operator[](std::uint32_t index) const { return rules_[index]; }
  [[nodiscard]] std::size_t size() const { return rules_.size(); }

 private:
  [[nodiscard]] bool matches(std::uint32_t index, const Caller& caller) const;

  std::vector<LimitRule> rules_;
  std::vector<std::optional<Cidr>> ranges_;                     // of address rules with a name
  std::array<std::vector<std::uint32_t>, kPerCount> by_per_{};  // indices in the list's order
};

}  // namespace intragate::qos

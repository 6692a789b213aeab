#include "qos/limit_rules.h"

#include <utility>

namespace intragate::qos {

std::string_view per_name(Per per) {
  constexpr std::array<std::string_view, kPerCount> kNames{"user", "key", "address", "model"};
  return kNames[static_cast<std::size_t>(per)];
}

std::string_view quantity_name(Quantity quantity) {
  constexpr std::array<std::string_view, 5> kNames{"concurrency", "requests_per_minute", "tokens_per_minute",
                                                   "tokens_per_day", "tokens_per_month"};
  return kNames[static_cast<std::size_t>(quantity)];
}

LimitRules::LimitRules(std::vector<LimitRule> rules) : rules_{std::move(rules)} {
  for (std::uint32_t index = 0; index < rules_.size(); ++index) {
    const LimitRule& rule = rules_[index];
    by_per_[static_cast<std::size_t>(rule.per)].push_back(index);
    std::optional<Cidr> range;
    if (rule.per == Per::address && !rule.name.empty()) {
      if (Result<Cidr> parsed = Cidr::parse(rule.name)) range = *parsed;  // else it matches nobody: config refuses it
    }
    ranges_.push_back(range);
  }
}

std::optional<std::uint32_t> LimitRules::find(Per per, const Caller& caller) const {
  for (const std::uint32_t index : by_per_[static_cast<std::size_t>(per)]) {
    if (matches(index, caller)) return index;
  }
  return std::nullopt;
}

bool LimitRules::matches(std::uint32_t index, const Caller& caller) const {
  const std::string& name = rules_[index].name;
  switch (rules_[index].per) {
    case Per::user: return !caller.user.empty() && (name.empty() || name == caller.user);
    case Per::key: return name.empty() || name == caller.key;
    case Per::model: return name.empty() || name == caller.model;
    case Per::address: return name.empty() || (ranges_[index] && ranges_[index]->contains(caller.address));
  }
  return false;
}

Rank LimitRules::rank(const Caller& caller) const {
  Rank rank;
  bool decided = false;
  for (std::size_t per = 0; per < kPerCount; ++per) {
    const std::optional<std::uint32_t> index = find(static_cast<Per>(per), caller);
    if (!index) continue;
    const LimitRule& rule = rules_[*index];
    if (rule.per == Per::user) rank.user_weight = rule.weight.value_or(1);
    if (rule.per == Per::key) rank.key_weight = rule.weight.value_or(1);
    if (rule.priority && !decided) {
      rank.priority = *rule.priority;
      decided = true;
    }
  }
  return rank;
}

}  // namespace intragate::qos

#include "app/explain_limits.h"

#include <algorithm>

#include "pipeline/exchange.h"
#include "pipeline/ledger.h"
#include "qos/answer_length.h"

namespace intragate::app {
namespace {

using qos::Per;

std::string caps_text(const qos::LimitRule& rule) {
  std::string out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    out.append(out.empty() ? "" : ", ").append(name).append(" ").append(value);
  };
  const auto add_cap = [&](std::string_view name, std::uint64_t cap) {
    if (cap > 0) add(name, std::to_string(cap));
  };
  add_cap("concurrency", rule.caps.concurrency);
  add_cap("requests_per_minute", rule.caps.requests_per_minute);
  add_cap("tokens_per_minute", rule.caps.tokens_per_minute);
  add_cap("tokens_per_day", rule.caps.tokens_per_day);
  add_cap("tokens_per_month", rule.caps.tokens_per_month);
  add_cap("weight", rule.weight.value_or(0));
  if (rule.priority) add("priority", *rule.priority == qos::Priority::batch ? "batch" : "interactive");
  return out.empty() ? "nothing" : out;
}

std::string rule_text(const qos::LimitRules& rules, std::optional<std::uint32_t> index) {
  if (!index) return "none";
  const qos::LimitRule& rule = rules[*index];
  return "limits[" + std::to_string(*index) + "]" + (rule.name.empty() ? "" : " (" + rule.name + ")") + ": " +
         caps_text(rule);
}

// The client's address is not known here: the rules that it could come under.
std::string address_text(const qos::LimitRules& rules) {
  std::string out;
  for (std::uint32_t i = 0; i < rules.size(); ++i) {
    if (rules[i].per != Per::address) continue;
    out += (out.empty() ? "" : "; else ") + rule_text(rules, i);
    if (rules[i].name.empty()) break;
  }
  return out.empty() ? "none" : out;
}

void add_rules(const LimitedCall& asked, std::vector<Finding>& into) {
  const qos::LimitRules rules{pipeline::to_rules(asked.config.limits)};
  for (const config::Key* key : asked.keys) {
    const qos::Caller caller{.key = key->name,
                             .user = key->trust_user ? std::string_view{asked.call.user} : std::string_view{},
                             .address = {},
                             .model = asked.lane.name};
    const std::string of = asked.keys.size() > 1 ? " of " + key->name : "";
    if (!caller.user.empty()) into.push_back({"limit per user" + of, rule_text(rules, rules.find(Per::user, caller))});
    into.push_back({"limit per key" + of, rule_text(rules, rules.find(Per::key, caller))});
  }
  into.push_back({"limit per address", address_text(rules)});
  into.push_back({"limit per model", rule_text(rules, rules.find(Per::model, {.model = asked.lane.name}))});
}

}  // namespace

void explain_limits(const LimitedCall& asked, std::vector<Finding>& into) {
  if (asked.config.limits.empty()) {
    into.push_back({"limits", "none"});
    return;
  }
  add_rules(asked, into);
  std::string text = "prompt " + std::to_string(asked.prompt);
  if (llm::generates(asked.call.api)) {
    const std::uint64_t answer = qos::AnswerLength{}.cautious(asked.call.max_tokens);
    text += " + answer " + std::to_string(answer) +
            " (at first; later as the model's answers are, at most max_tokens or max_answer_tokens)";
  }
  into.push_back({"tokens reserved", text});
}

void explain_queue(const pipeline::Lane& lane, std::vector<Finding>& into) {
  std::string slots;
  for (const auto& capacity : lane.capacities) {
    const std::string its = capacity->automatic()         ? "auto"
                            : capacity->configured() == 0 ? "not limited"
                                                          : std::to_string(capacity->configured());
    slots += (slots.empty() ? "" : " + ") + its;
  }
  into.push_back({"slots", slots});
  const bool unlimited = std::any_of(lane.capacities.begin(), lane.capacities.end(),
                                     [](const auto& capacity) { return capacity->configured() == 0; });
  if (unlimited) return;
  const config::Queue& queue = lane.model.queue;
  into.push_back({"queue", "at most " + std::to_string(queue.size) + " calls, " + std::to_string(queue.user_share) +
                               " % of them one user's, each for at most " +
                               std::to_string(queue.max_wait / std::chrono::milliseconds{1}) + " ms"});
}

}  // namespace intragate::app

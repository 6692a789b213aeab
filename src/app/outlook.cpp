#include "app/outlook.h"

#include "base/time.h"

namespace intragate::app {

std::optional<admin::Outlook> outlook_of(const admin::ForecastQuery& query, const pipeline::Snapshot& snapshot,
                                         const pipeline::Ledger& ledger) {
  const pipeline::Lane* lane = snapshot.find(query.model);
  if (lane == nullptr) return std::nullopt;
  const qos::Moment now{MonotonicClock::now(), std::chrono::system_clock::now()};
  const qos::Caller caller{.key = query.key, .user = query.user, .address = {}, .model = lane->name};
  pipeline::Ledger::Left left = ledger.left(caller, now);
  admin::Outlook outlook;
  outlook.limits = std::move(left.limits);
  outlook.tokens = query.prompt;
  if (query.answers) outlook.tokens += lane->gate->answer_length().cautious(query.most);
  outlook.bounded = !lane->gate->unlimited() && !lane->endpoints.empty();
  if (!outlook.bounded) return outlook;
  const qos::Subject key = qos::subject_of(query.key, ledger.seed());
  const qos::Claim claim{.key = key,
                         .user = qos::user_of(key, query.user),
                         .key_weight = left.rank.key_weight,
                         .user_weight = left.rank.user_weight,
                         .priority = left.rank.priority};
  outlook.forecast = lane->gate->forecast(
      {.claim = claim, .prompt = query.prompt, .most = query.most, .answers = query.answers}, now.now);
  outlook.queue = lane->gate->facts();
  return outlook;
}

}  // namespace intragate::app

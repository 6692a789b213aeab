// Takes what the call will use from every limit that applies to it, or says which one is used up. What it really used
// is put right by settle; what never reached a model is given back by the ticket.
#include "base/error_table.h"
#include "pipeline/exchange.h"
#include "pipeline/ledger.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

std::string whose(qos::Per per) {
  switch (per) {
    case qos::Per::user: return "you";
    case qos::Per::key: return "this API key";
    case qos::Per::address: return "your address";
    case qos::Per::model: return "this model";
  }
  return "you";
}

std::string what(qos::Quantity quantity) {
  switch (quantity) {
    case qos::Quantity::concurrency: return "calls at once";
    case qos::Quantity::requests_per_minute: return "requests per minute";
    case qos::Quantity::tokens_per_minute: return "tokens per minute";
    case qos::Quantity::tokens_per_day: return "tokens per day";
    case qos::Quantity::tokens_per_month: return "tokens per month";
  }
  return "calls";
}

std::string rule_name(const qos::Overrun& overrun) {
  return "limits[" + std::to_string(overrun.rule) + "]";
}

Error used_up(const qos::Overrun& overrun) {
  Error error =
      make_error(Code::rate_limited, "The limit of " + std::to_string(overrun.limit) + " " + what(overrun.quantity) +
                                         " for " + whose(overrun.per) + " is reached")
          .after(overrun.retry_after);
  error.message += "; please try again in " + std::to_string(retry_after_seconds(error)) + " s.";
  error.detail = rule_name(overrun);
  return error;
}

}  // namespace

Passage Limit::pass(Exchange& x) {
  Ledger& ledger = x.worker.ledger();
  if (x.lane == nullptr || !ledger.has_rules()) return Next::go_on;
  x.prompt_estimate = estimated_prompt(x);
  std::uint64_t tokens = only_counts(x) ? 0 : x.prompt_estimate;
  if (!only_counts(x) && llm::generates(x.call.api))
    tokens += x.lane->gate->answer_length().cautious(x.call.max_tokens);
  const qos::Caller caller{.key = x.principal->name, .user = x.call.user, .address = x.address, .model = x.lane->name};
  Ledger::Taken taken = ledger.reserve(caller, tokens, moment_of(x));
  x.requests_left = taken.verdict.requests;
  x.tokens_left = taken.verdict.tokens;
  if (taken.verdict.overrun) {
    const qos::Overrun& overrun = *taken.verdict.overrun;
    x.worker.metrics()
        .counter(metrics::Metric::limited,
                 {qos::per_name(overrun.per), qos::quantity_name(overrun.quantity), rule_name(overrun)})
        .add();
    return used_up(overrun);
  }
  x.reservation = std::move(taken.reservation);
  x.rank = taken.rank;
  return Next::go_on;
}

}  // namespace intragate::pipeline

#include "pipeline/calls.h"

#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

// Whether a call can still be ended: one that has failed, or was cancelled, is only telling its client so.
bool under_way(const Exchange& x) {
  return x.principal != nullptr && !x.settled && !x.error && !x.connection.cancellation().fired();
}

llm::LiveCall seen(const Exchange& x, TimePoint now) {
  llm::LiveCall call;
  call.id = x.request_id;
  call.key = x.principal->name;
  call.user = x.call.user;
  call.model = x.lane != nullptr ? x.lane->name : x.call.model;
  if (x.endpoint != nullptr) call.endpoint = x.endpoint->configured().url;
  call.phase = x.phase;
  if (x.queued) {
    call.queue = *x.queued;
  } else if (x.waiting_since != TimePoint{}) {
    call.queue = now - x.waiting_since;
  }
  call.total = now - x.begun;
  const bool told = x.usage.source == llm::UsageSource::upstream;
  call.tokens = told ? x.usage.completion_tokens : x.events;
  return call;
}

}  // namespace

std::vector<llm::LiveCall> list_calls(Worker& worker, const llm::CallFilter& filter) {
  std::vector<llm::LiveCall> calls;
  for (const Exchange* x : worker.exchanges()) {
    if (!under_way(*x)) continue;
    llm::LiveCall call = seen(*x, worker.loop().now());
    if (filter.fits(call)) calls.push_back(std::move(call));
  }
  return calls;
}

std::vector<llm::LiveCall> cancel_calls(Worker& worker, const llm::CallFilter& filter) {
  std::vector<llm::LiveCall> calls;
  for (Exchange* x : worker.exchanges()) {
    if (!under_way(*x)) continue;
    llm::LiveCall call = seen(*x, worker.loop().now());
    if (!filter.fits(call)) continue;
    x->connection.cancellation().fire(net::CancelReason::operator_request);
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace intragate::pipeline

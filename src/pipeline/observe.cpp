#include "pipeline/observe.h"

#include <algorithm>

#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

bool watched(const Attempt& a) {
  return a.capacity != nullptr && a.capacity->automatic();
}

void count(Exchange& x, qos::PaceSample sample, TimePoint now) {
  sample.in_flight = std::max(1U, x.endpoint->in_flight());
  x.capacity->count(sample, now);
  follow_slots(*x.lane, now);
}

void overloaded(const Exchange& x, const Attempt& a) {
  const TimePoint now = x.worker.loop().now();
  a.capacity->overloaded(now);
  follow_slots(*x.lane, now);
}

std::uint64_t prompt_of(const Exchange& x) {
  if (x.usage.prompt_tokens > 0) return x.usage.prompt_tokens;
  return x.prompt_estimate > 0 ? x.prompt_estimate : estimated_prompt(x);
}

}  // namespace

void observe_first_event(Exchange& x) {
  if (!watched(x) || !x.first_byte) return;
  count(x, {.first_byte = *x.first_byte - x.sent_at, .prompt_tokens = prompt_of(x)}, x.worker.loop().now());
}

void observe_end(Exchange& x) {
  if (!watched(x) || !x.place || !x.first_byte) return;
  if (x.error) return observe_failure(x, x, *x.error);
  const int status = x.answer.head.status;
  const bool followed = x.answer.event_stream || x.answer.collected;  // else the client's own pace is in it
  if (status < 200 || status >= 300 || !followed) return;
  const TimePoint now = x.worker.loop().now();
  const bool counted = x.usage.completion_tokens > 0;
  count(x,
        pace_of({.stream = x.answer.event_stream,
                 .held_up = x.held_up,
                 .first_byte = *x.first_byte - x.sent_at,
                 .last_event = x.last_event ? *x.last_event - x.sent_at : Duration{},
                 .whole = now - x.sent_at,
                 .prompt = prompt_of(x),
                 .answer = counted ? x.usage.completion_tokens : x.events}),
        now);
}

void observe_failure(const Exchange& x, const Attempt& a, const Error& error) {
  if (!watched(a)) return;
  const bool late = error.code == Code::upstream_timeout && !x.deadline.reached(x.worker.loop().now());
  if (late || error.code == Code::upstream_broke) overloaded(x, a);
}

void observe_status(const Exchange& x, const Attempt& a) {
  const int status = a.answer.head.status;
  if (watched(a) && (status == 429 || status == 503 || status == 504 || status == 529)) overloaded(x, a);
}

}  // namespace intragate::pipeline

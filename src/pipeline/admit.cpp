// A slot of the model, at once or after a fair, bounded wait. Streams get comments while they wait, from the first
// heartbeat on: until then the status is still open, so that a refusal can be one. Keys that ask for it get interim
// answers instead, which leave the status open to the end.
#include <algorithm>
#include <array>

#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/fronting.h"
#include "pipeline/relay_stream.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

constexpr Duration kLook = std::chrono::seconds{1};  // how soon a waiting call sees that endpoints have come or gone

std::string seconds_of(Duration time) {
  return std::to_string(std::max<std::int64_t>(1, (time + std::chrono::milliseconds{999}) / std::chrono::seconds{1}));
}

void count_refusal(Exchange& x, std::string_view why) {
  x.worker.metrics().counter(metrics::Metric::queue_refused, {x.lane->name, why}).add();
}

Error refused(Exchange& x, const qos::Refusal& refusal) {
  count_refusal(x, why_name(refusal.why));
  std::string message = "The model `" + x.lane->name + "` is busy: " + std::to_string(refusal.waiting);
  message += refusal.waiting == 1 ? " call waits for it" : " calls wait for it";
  if (refusal.why == qos::WhyRefused::user_share) message += ", and enough of them are yours";
  if (refusal.why == qos::WhyRefused::made_room) message += ", and this one has made room for somebody who has fewer";
  if (refusal.expected_wait > Duration::zero()) {
    message += "; a turn would come in about " + seconds_of(refusal.expected_wait) + " s";
  }
  return make_error(Code::queue_full, message + "; please try again in " + seconds_of(refusal.retry_after) + " s.")
      .after(refusal.retry_after);
}

Error waited_too_long(Exchange& x, const std::optional<qos::Standing>& standing) {
  count_refusal(x, "max_wait");
  const Duration waited = x.worker.loop().now() - x.waiting_since;
  const Duration later = std::max<Duration>(std::chrono::seconds{5}, standing ? standing->expected_wait : Duration{});
  return make_error(Code::queue_full, "The model `" + x.lane->name + "` had no free slot for " + seconds_of(waited) +
                                          " s (models[" + x.lane->name + "].queue.max_wait); please try again in " +
                                          seconds_of(later) + " s.")
      .after(later);
}

Error gone(Exchange& x) {
  switch (x.connection.cancellation().reason()) {
    case net::CancelReason::shutdown: count_refusal(x, "shutdown"); break;
    case net::CancelReason::operator_request: count_refusal(x, "cancelled"); break;
    default: count_refusal(x, "client_left");
  }
  return make_error(Code::client_gone, {});
}

qos::Claim claim_of(const Exchange& x) {
  const qos::Subject key = qos::subject_of(x.principal->name, x.worker.ledger().seed());
  return {.key = key,
          .user = qos::user_of(key, x.call.user),
          .key_weight = x.rank.key_weight,
          .user_weight = x.rank.user_weight,
          .priority = x.rank.priority,
          .deadline = x.deadline};
}

// ": waiting position=3", as a block of its own, which clients pass over.
net::Task<bool> send_heartbeat(Exchange& x, std::optional<qos::Standing> standing) {
  if (!x.reply.head_sent()) begin_stream(x);
  std::string words = "waiting";
  if (standing) words += " position=" + std::to_string(standing->position);
  const std::string beat = heartbeat(x, words);
  const std::string framed = x.reply.framed(beat);
  if (x.reply.send_now(framed, beat.size())) co_return true;
  const bool sent = co_await x.reply.send_rest(x, framed);
  co_return sent;
}

// Interim answers reset the read timeout of Python's http.client, and so of Dify's plugins, and leave the final status
// free. RFC 9110, section 15.2: any number of them may come, but none for HTTP/1.0.
net::Task<bool> send_interim(Exchange& x) {
  constexpr std::array<std::string_view, 1> kContinue{"HTTP/1.1 100 Continue\r\n\r\n"};
  std::size_t sent = x.connection.write_now(kContinue);
  if (x.connection.failed()) co_return false;
  if (sent == kContinue[0].size()) co_return true;
  co_return co_await x.connection.write_rest(kContinue, sent, x.deadline) == net::WriteEnd::done;
}

// Tells the metric how long a call waited, however the wait ends.
class WaitClock {
 public:
  explicit WaitClock(Exchange& x) : x_{x} {}
  WaitClock(const WaitClock&) = delete;
  WaitClock& operator=(const WaitClock&) = delete;
  ~WaitClock() {
    const std::chrono::duration<double> waited = x_.worker.loop().now() - x_.waiting_since;
    x_.worker.metrics().histogram(metrics::Metric::key_wait_seconds, {x_.principal->name}).observe(waited.count());
  }

 private:
  Exchange& x_;
};

net::Task<Result<Next>> wait_for_slot(Exchange& x, Gate::Waiting waiting) {
  net::Loop& loop = x.worker.loop();
  const WaitClock clock{x};
  const config::Queue& queue = x.lane->model.queue;
  const bool interim = x.principal->while_waiting == config::WhileWaiting::interim && !x.http_1_0;
  const bool beats = interim || x.call.stream == llm::Stream::yes;
  const Deadline patience = Deadline::in(x.waiting_since, queue.max_wait).earlier(x.deadline);
  TimePoint heartbeat = x.waiting_since + queue.heartbeat;
  x.phase = llm::Phase::queued;
  x.connection.watch_hangup();
  while (!waiting.granted()) {
    Deadline until = patience.earlier(Deadline::in(loop.now(), kLook));
    if (beats) until = until.earlier(Deadline{heartbeat});
    const net::Wake wake = co_await waiting.wait(loop, {until, &x.connection.cancellation()});
    if (wake == net::Wake::cancelled) co_return gone(x);
    if (waiting.granted()) break;
    if (waiting.refusal()) co_return refused(x, *waiting.refusal());
    const TimePoint now = loop.now();
    if (patience.reached(now)) co_return waited_too_long(x, waiting.standing(now));
    follow_slots(*x.lane, now);
    const std::optional<qos::Standing> standing = waiting.standing(now);
    if (standing && standing->hopeless) co_return refused(x, *standing->hopeless);
    if (!beats || now < heartbeat) continue;
    net::Task<bool> beat = interim ? send_interim(x) : send_heartbeat(x, standing);
    const bool told = co_await beat;
    if (!told) co_return gone(x);
    heartbeat = loop.now() + queue.heartbeat;
  }
  x.slot = waiting.take();
  co_return Next::go_on;
}

}  // namespace

Passage Admit::pass(Exchange& x) {
  const TimePoint now = x.worker.loop().now();
  x.waiting_since = now;
  if (x.lane->endpoints.empty()) return Next::go_on;  // dispatch has the words for that
  Gate& gate = *x.lane->gate;
  follow_slots(*x.lane, now);
  if (gate.unlimited()) return Next::go_on;
  if (x.prompt_estimate == 0) x.prompt_estimate = estimated_prompt(x);
  const bool answers = llm::generates(x.call.api);
  Gate::Entered entered =
      gate.enter({.claim = claim_of(x), .prompt = x.prompt_estimate, .most = x.call.max_tokens, .answers = answers},
                 x.worker.loop(), now);
  if (entered.refusal) return refused(x, *entered.refusal);
  if (entered.waiting) return wait_for_slot(x, std::move(*entered.waiting));
  x.slot = std::move(entered.slot);
  return Next::go_on;
}

}  // namespace intragate::pipeline

#include "pipeline/continuation.h"

#include <algorithm>

#include "base/error_table.h"
#include "base/log.h"
#include "dialect/openai.h"
#include "pipeline/dispatch.h"
#include "pipeline/fronting.h"
#include "pipeline/health_report.h"
#include "pipeline/observe.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using metrics::Metric;

bool another_is_well(const Exchange& x) {
  const TimePoint now = x.worker.loop().now();
  for (std::size_t i = 0; i < x.lane->endpoints.size(); ++i) {
    if (i != x.which && x.lane->endpoints[i]->health().usable(now)) return true;
  }
  return false;
}

// The endpoint is to blame now; settle would do it at the end of the call.
void blame(Exchange& x, const Error& broken) {
  const std::string_view kind = error_row(broken.code).name;
  note_turn(x.worker, *x.endpoint, x.endpoint->health().broke(x.worker.loop().now()));
  observe_failure(x, x, broken);
  x.began_well = false;
  x.worker.metrics().counter(Metric::upstream_errors, {x.lane->name, kind}).add();
  log::info("answer broke off", {{"request_id", x.request_id},
                                 {"model", x.lane->name},
                                 {"endpoint", x.endpoint->configured().url},
                                 {"attempt", static_cast<std::int64_t>(x.attempts)},
                                 {"error", kind},
                                 {"detail", broken.detail}});
}

}  // namespace

Continuation::Continuation(Exchange& x)
    : original_{x.call}, transcript_{x.call.api}, held_{x.worker.loop().buffers().meter()} {}

bool Continuation::may_go_on(const Exchange& x, const Error& broken) const {
  const bool by_model = broken.code == Code::upstream_broke || broken.code == Code::upstream_malformed ||
                        broken.code == Code::upstream_timeout || broken.code == Code::upstream_status;
  return by_model && !x.deadline.reached(x.worker.loop().now()) && !x.connection.failed();
}

void Continuation::count(Exchange& x, std::string_view result) const {
  x.worker.metrics().counter(Metric::continuations, {x.lane->name, result}).add();
}

// The request, with what the client has of the answer, becomes the exchange's.
bool Continuation::ask_for_rest(Exchange& x) {
  if (!possible()) return false;
  const std::uint64_t events = x.events - events_before_;
  const std::uint64_t told = x.usage.completion_tokens > given_ ? x.usage.completion_tokens - given_ : 0;
  const std::uint64_t given = given_ + std::max(events, told);
  std::optional<std::string> rest = dialect::openai::ask_for_rest(original_, x.asked(), transcript_.text(), given);
  if (!rest) return false;
  Result<llm::Call> call = dialect::openai::understand(x.call.api, *rest);
  if (!call) return false;
  call->user = std::move(x.call.user);
  x.call = std::move(*call);
  x.call.bound_answer(x.lane->model.max_answer_tokens);
  x.rebuilt = std::move(*rest);
  given_ = given;
  events_before_ = x.events;
  return true;
}

net::Task<Result<bool>> Continuation::go_on(Exchange& x, const Error& broken) {
  if (!may_go_on(x, broken)) co_return false;
  const bool another = another_is_well(x);
  if (!another || !ask_for_rest(x)) {
    count(x, another ? "impossible" : "no_endpoint");
    co_return false;
  }
  blame(x, broken);
  if (!x.answer_began) x.answer_began = x.first_byte;
  if (!x.continued_from.empty()) x.continued_from += ' ';
  x.continued_from += x.endpoint->configured().url;
  Result<Next> found = co_await dispatch_again(x);
  if (!found && found.error().code == Code::client_gone) co_return std::move(found).error();
  const int status = x.answer.head.status;
  if (!found || !x.answer.event_stream || status < 200 || status >= 300) {
    count(x, "failed");
    co_return false;
  }
  ++parts_;
  reader_ = net::SseReader{};
  count(x, "ok");
  x.phase = llm::Phase::streaming;
  co_return true;
}

void Continuation::join(const Exchange& x, Stream::Output& out) {
  joined_.clear();
  std::size_t payload = 0;
  std::string_view bytes = out.bytes;
  std::string event;
  for (;;) {
    const net::SseReader::Step step = reader_.step(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.state != net::SseReader::State::event) break;
    if (step.event.kind == net::SseEvent::Kind::comment) {
      event = step.event.bytes;
    } else {
      const std::string data = transcript_.as_one_of_this(step.event.data, given_);
      if (data.empty()) continue;
      event = "data: " + data + "\n\n";
    }
    joined_ += framed(x, event);
    payload += event.size();
  }
  out.bytes = joined_;
  out.payload = payload;
  if (out.last.empty()) return;
  last_ = transcript_.as_one_of_this(out.last, given_);
  out.last = last_;
}

llm::Usage Continuation::whole(const llm::Usage& rest) const {
  if (!continued() || rest.source == llm::UsageSource::none) return rest;
  return dialect::openai::usage_of_whole(rest, given_);
}

}  // namespace intragate::pipeline

#include "pipeline/relay_stream.h"

#include "dialect/openai.h"
#include "net/loop.h"
#include "pipeline/continuation.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/fronting.h"
#include "pipeline/mending.h"
#include "pipeline/observe.h"
#include "pipeline/settle.h"
#include "pipeline/stream.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using Fill = net::HttpClient::Fill;

constexpr Duration kEndPatience = std::chrono::milliseconds{250};

// Counts a stream as open while it is relayed.
class OpenStream {
 public:
  explicit OpenStream(metrics::Gauge& gauge) : gauge_{gauge} { gauge_.add(1); }
  ~OpenStream() { gauge_.add(-1); }
  OpenStream(const OpenStream&) = delete;
  OpenStream& operator=(const OpenStream&) = delete;

 private:
  metrics::Gauge& gauge_;
};

void count_events(Exchange& x, const Stream::Output& out, metrics::Histogram& inter_token) {
  if (out.events == 0) return;
  const TimePoint now = x.worker.loop().now();
  if (x.last_event) inter_token.observe(std::chrono::duration<double>(now - *x.last_event).count());
  x.last_event = now;
  x.events += out.events;
}

// The bytes went out only in part: they lie in memory that does not survive a wait, so what is left moves here.
net::Task<bool> send_slowly(Exchange& x, std::string bytes) {
  x.held_up = true;
  const net::Held held{x.worker.loop().buffers().meter(), bytes.size()};
  const bool sent = co_await x.reply.send_rest(x, bytes);
  co_return sent;
}

// What the loop does after having sent what there was.
enum class Then : std::uint8_t { read, finished, failed };

// Lives as long as the stream: what few streams need is not part of it.
struct Relaying {
  explicit Relaying(LaneState& state) : open{state.open_streams}, inter_token{state.inter_token} {}

  OpenStream open;
  metrics::Histogram& inter_token;
  std::optional<Stream> stream;
  std::unique_ptr<Continuation> continuation;  // models[].continue_on_failure
  std::unique_ptr<Fronting> front;             // an API laid over chat
  std::unique_ptr<StreamScreen> screen;        // only where content rules look into answers
  std::optional<Error> failure;
  int rounds = 0;
  bool closed = false;  // the model's connection has ended

  Then fail(Error error) {
    failure = std::move(error);
    return Then::failed;
  }
};

Error failed_midway(const Exchange& x) {
  return make_error(Code::upstream_status, "The model `" + x.lane->name +
                                               "` failed in the middle of its answer, which is incomplete; please try "
                                               "again.")
      .because("the model sent an error event");
}

Then after(Exchange& x, Relaying& r, Stream::End end) {
  if (r.screen && r.screen->refused()) return r.fail(x.screening->refusal(content::Where::answer));
  switch (end) {
    case Stream::End::open: return r.closed ? Then::finished : Then::read;
    case Stream::End::complete:
    case Stream::End::too_long: return Then::finished;  // end_if_too_long has made it complete
    case Stream::End::malformed: return r.fail(broke_off(x, "the stream is malformed or ends in the middle"));
    case Stream::End::model_error: break;
  }
  if (r.continuation) return r.fail(failed_midway(x));  // the stream has kept the model's words
  x.reply.error_told();
  return r.fail(make_error(Code::upstream_status, {}).because("the model sent an error event"));
}

// Ends an answer that is as long as it may be, in the way models do when max_tokens is reached: clients take it for a
// whole one with finish_reason "length". The model's connection is closed at once: nobody wants the rest.
void end_if_too_long(Exchange& x, Stream::Output& out) {
  if (out.end != Stream::End::too_long) return;
  x.worker.metrics().counter(metrics::Metric::answers_cut, {x.lane->name}).add();
  const llm::Usage usage = usage_so_far(x);
  const dialect::openai::Closing closing =
      dialect::openai::close_answer(x.call.api, out.last, x.usage_hidden ? nullptr : &usage);
  std::string bytes{out.bytes};
  for (const std::string_view data :
       {std::string_view{closing.finish}, std::string_view{closing.usage}, std::string_view{"[DONE]"}}) {
    if (data.empty()) continue;
    const std::string event = "data: " + std::string{data} + "\n\n";
    bytes += framed(x, event);
    out.payload += event.size();
  }
  x.worker.scratch() = std::move(bytes);
  out.bytes = x.worker.scratch();
  out.end = Stream::End::complete;
  out.body_ended = false;
  leave_model(x);
}

// The bytes for the client; the end of the body goes with them, in the same write.
std::string_view outgoing(Exchange& x, const Stream::Output& out) {
  if (out.end != Stream::End::complete || !x.reply.chunked()) return out.bytes;
  std::string& scratch = x.worker.scratch();
  if (out.bytes.data() != scratch.data()) scratch.assign(out.bytes);
  scratch += net::kLastChunk;
  return scratch;
}

// What follows once the bytes are with the client.
void delivered(Exchange& x, const Relaying& r, const Stream::Output& out) {
  // No other attempt can follow: the request's memory is free for the life of the stream.
  if (!r.continuation || !r.continuation->possible()) release_request(x);
  if (out.end == Stream::End::complete) x.reply.end();
  if (x.upstream.open()) x.upstream.client().buffer().consume(out.consumed);
  if (out.end == Stream::End::complete && out.body_ended && x.answer.head.keep_alive) x.upstream.keep();
}

net::Until patience(const Exchange& x) {
  const Deadline silence = Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.between_chunks);
  return {x.deadline.earlier(silence), &x.connection.cancellation()};
}

// The client has everything. Most models end the body a moment after [DONE]: waiting that long saves their connection.
// A task of its own: neither the client's next request nor the record wait for it.
net::Task<void> save_connection(net::Loop& loop, upstream::Connection connection, net::BodyDecoder decoder) {
  net::HttpClient& client = connection.client();
  const Deadline deadline = Deadline::in(loop.now(), kEndPatience);
  for (;;) {
    const net::BodyDecoder::Step step = decoder.step(client.buffer().view());
    client.buffer().consume(step.consumed);
    if (step.state == net::BodyDecoder::State::end) break;
    if (step.state != net::BodyDecoder::State::more) co_return;
    const Fill got = client.fill(net::Buffer::kBlock);
    if (got == Fill::closed) co_return;
    if (got == Fill::more) continue;
    const net::Wake wake = co_await client.readable({deadline, nullptr});
    if (wake != net::Wake::ready) co_return;
  }
  connection.keep();
}

// A stream of what the endpoint gives, the first or, after a failure, the rest of the answer.
void begin_part(Exchange& x, Relaying& r) {
  const bool joined = r.continuation && r.continuation->continued();  // its events are framed when they are rewritten
  std::uint64_t most = x.lane->model.max_answer_tokens;
  if (joined && most > 0) most = most > r.continuation->given() ? most - r.continuation->given() : 1;
  r.stream.emplace(x.http_1_0 || joined || r.front || r.screen ? Stream::Framing::plain : Stream::Framing::chunked,
                   x.usage_hidden ? Stream::UsageEvents::hidden : Stream::UsageEvents::shown, most, conversion_of(x, x),
                   mending_of(x));
  if (llm::generates(x.call.api)) {
    r.stream->know(x.worker.state_of(*x.lane).events[x.call.api == llm::Api::chat ? 0 : 1]);
  }
  if (r.continuation) r.stream->tell(r.continuation->transcript());
  if (!r.screen) r.stream->keep(x.transcript.get());  // which else has what the client gets
  observe_first_event(x);
}

Stream::Output take(Exchange& x, Relaying& r) {
  std::string& scratch = x.worker.scratch();
  Stream::Output out = r.closed ? r.stream->finish(*x.answer.decoder, scratch)
                                : r.stream->take(x.upstream.client().buffer().view(), *x.answer.decoder, scratch);
  count_events(x, out, r.inter_token);
  x.usage = r.stream->usage();
  if (out.end != Stream::End::open && r.stream->mending() != nullptr) {
    count_repairs(x, r.stream->mending()->repairs());
  }
  const bool joins = r.continuation && r.continuation->continued();
  if (r.screen) {
    r.screen->apply(x, out, joins || r.front ? StreamScreen::Blocks::plain : StreamScreen::Blocks::framed);
    if (r.screen->refused()) leave_model(x);
  }
  if (!r.continuation) return out;
  x.usage = r.continuation->whole(x.usage);
  r.continuation->account();
  if (joins) r.continuation->join(x, out);
  return out;
}

// What the model's buffer holds goes to the client, as far as that takes it at once. False: `unsent` is left, in memory
// that does not survive a wait.
bool pass_on(Exchange& x, Relaying& r, Stream::Output& out, std::string_view& unsent) {
  out = take(x, r);
  end_if_too_long(x, out);
  if (r.front) r.front->rewrite(x, out);
  unsent = outgoing(x, out);
  return (unsent.empty() && x.reply.head_sent()) || x.reply.send_now(unsent, out.payload);
}

// Reads what has come; false: nothing has.
bool read_more(Exchange& x, Relaying& r) {
  const Fill got = x.upstream.client().fill(static_cast<std::size_t>(x.lane->model.stream_buffer));
  r.closed = got == Fill::closed;
  return got != Fill::blocked;
}

// What the end of a wait means.
Then woken(const Exchange& x, Relaying& r, net::Wake wake) {
  if (wake == net::Wake::cancelled) return r.fail(make_error(Code::client_gone, {}));
  const bool late = wake == net::Wake::deadline || x.deadline.reached(x.worker.loop().now());
  return late ? r.fail(went_silent(x)) : Then::read;
}

// The answer that broke off goes on at another endpoint, or its failure stands.
net::Task<bool> go_on(Exchange& x, Relaying& r) {
  const Result<bool> goes_on = co_await r.continuation->go_on(x, *r.failure);
  if (!goes_on) r.failure = goes_on.error();
  if (!goes_on || !*goes_on) co_return false;
  r.closed = false;
  begin_part(x, r);
  co_return true;
}

void begin_relay(Exchange& x, Relaying& r) {
  x.phase = llm::Phase::streaming;
  r.screen = stream_screen_of(x);
  if (x.front) r.front = std::make_unique<Fronting>(x);
  if (x.lane->model.continue_on_failure) r.continuation = std::make_unique<Continuation>(x);
  if (!x.streaming) begin_stream(x);
  begin_part(x, r);
}

// Kept already where the end of the body came with [DONE].
void end_relay(Exchange& x) {
  if (!x.upstream.open() || !x.answer.head.keep_alive || x.upstream.kept()) return;
  net::Loop& loop = x.worker.loop();
  loop.spawn(save_connection(loop, std::move(x.upstream), *x.answer.decoder));
}

}  // namespace

void begin_stream(Exchange& x) {
  constexpr std::string_view kExtra = "cache-control: no-cache\r\nx-accel-buffering: no\r\n";
  x.reply.begin(x, {.status = 200, .content_type = "text/event-stream", .extra = kExtra}, std::nullopt);
  x.streaming = true;
}

// One frame for the life of a stream: what can be done without a wait is done by functions.
net::Task<Result<Next>> relay_stream(Exchange& x) {
  Relaying r{x.worker.state_of(*x.lane)};
  begin_relay(x, r);
  for (Then then = Then::read; then != Then::finished;) {
    Stream::Output out;
    std::string_view unsent;
    bool sent = pass_on(x, r, out, unsent);
    if (!sent) sent = co_await send_slowly(x, std::string{unsent});
    if (sent) delivered(x, r, out);
    then = sent ? after(x, r, out.end) : r.fail(make_error(Code::client_gone, {}));
    if (r.closed) x.answer.head.keep_alive = false;
    net::Wake wake = net::Wake::ready;
    while (then == Then::read && wake == net::Wake::ready && !read_more(x, r)) {
      r.rounds = 0;
      wake = co_await x.upstream.client().readable(patience(x));
    }
    if (then == Then::read) then = woken(x, r, wake);
    if (then == Then::read && !r.closed && ++r.rounds >= kBusyRounds) {
      r.rounds = 0;
      co_await net::Yield{x.worker.loop()};
      if (x.connection.cancellation().fired()) then = woken(x, r, net::Wake::cancelled);
    }
    if (then != Then::failed) continue;
    bool elsewhere = false;
    if (r.continuation) elsewhere = co_await go_on(x, r);
    if (!elsewhere) co_return std::move(*r.failure);
  }
  end_relay(x);
  co_return Next::answered;
}

Error went_silent(const Exchange& x) {
  const bool total = x.deadline.reached(x.worker.loop().now());
  const config::ModelTimeouts& timeouts = x.lane->model.timeouts;
  const Duration limit = total ? timeouts.total : timeouts.between_chunks;
  return make_error(Code::upstream_timeout,
                    "The model `" + x.lane->name + "` " + (total ? "took longer than " : "said nothing for ") +
                        std::to_string(limit / std::chrono::milliseconds{1}) + " ms (" + x.lane->model.timeouts_key +
                        "." + (total ? "total" : "between_chunks") + "); what came until then is incomplete.")
      .because(total ? "total" : "between_chunks")
      .retrying(Retry::never);
}

Error broke_off(const Exchange& x, std::string detail) {
  return make_error(Code::upstream_broke,
                    "The model `" + x.lane->name +
                        "` broke off in the middle of its answer, which is incomplete; please try again.")
      .because(std::move(detail))
      .retrying(Retry::never);
}

}  // namespace intragate::pipeline

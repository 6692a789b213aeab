#include "pipeline/attempt.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "dialect/openai.h"
#include "net/loop.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/relay_stream.h"
#include "pipeline/stream.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using Fill = net::HttpClient::Fill;

std::string_view path_of(llm::Api api) {
  switch (api) {
    case llm::Api::completions: return "/completions";
    case llm::Api::embeddings: return "/embeddings";
    default: return "/chat/completions";
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  out += value;
  out += "\r\n";
}

// The gateway's own head: of the client's headers only what a model may know of crosses.
std::string request_head(const Exchange& x, std::size_t body_size, const dialect::Sending* converted) {
  const config::Endpoint& to = x.endpoint->configured();
  std::string head;
  head.reserve(512);
  head += "POST ";
  head += to.path;
  head += converted != nullptr ? std::string_view{converted->path} : path_of(x.call.api);
  head += " HTTP/1.1\r\n";
  head += x.endpoint->fixed_headers();
  if (converted != nullptr) head += converted->headers;
  // The body was read as JSON, whatever the client called it; and answers are looked into, so they must not be packed.
  head += "Content-Type: application/json\r\nAccept-Encoding: identity\r\n";
  append_header(head, "Accept: ", x.head.accept);
  append_header(head, "x-request-id: ", x.request_id);
  append_header(head, "traceparent: ", x.head.traceparent);
  append_header(head, "tracestate: ", x.head.tracestate);
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), body_size).ptr;
  append_header(head, "Content-Length: ", {digits.data(), static_cast<std::size_t>(end - digits.data())});
  head += "\r\n";
  return head;
}

net::Until whole_call(const Exchange& x) {
  return {x.deadline, &x.connection.cancellation()};
}

// Head, and the body in pieces around what was changed in it.
struct Outgoing {
  llm::Edits edits;
  dialect::Sending converted;  // instead, for an endpoint of another dialect
  std::string head;
  std::array<std::string_view, 2 + 2 * std::tuple_size_v<decltype(llm::Edits::list)>> pieces;
  std::size_t count = 0;
  std::size_t sent = 0;  // bytes

  [[nodiscard]] std::span<const std::string_view> all() const { return {pieces.data(), count}; }
};

void compose_converted(const Exchange& x, Outgoing& out) {
  out.head = request_head(x, out.converted.body.size(), &out.converted);
  out.pieces[out.count++] = out.head;
  out.pieces[out.count++] = out.converted.body;
}

void compose(const Exchange& x, Outgoing& out) {
  if (x.converter != nullptr) return compose_converted(x, out);
  const std::string_view body = x.connection.body();
  const config::Endpoint& to = x.endpoint->configured();
  const bool ask = x.usage_hidden || x.principal->stream_usage == config::StreamUsage::always;
  using dialect::openai::AskUsage;
  out.edits =
      dialect::openai::edits(x.call, body, to.model.empty() ? x.lane->name : to.model,
                             ask && to.ask_usage ? AskUsage::yes : AskUsage::no, x.lane->model.max_answer_tokens);
  std::size_t size = body.size();
  for (std::size_t i = 0; i < out.edits.count; ++i) {
    size += out.edits.list[i].text.size();
    size -= out.edits.list[i].where.length;
  }
  out.head = request_head(x, size, nullptr);
  out.pieces[out.count++] = out.head;
  std::size_t at = 0;
  for (std::size_t i = 0; i < out.edits.count; ++i) {
    const llm::Edit& edit = out.edits.list[i];
    out.pieces[out.count++] = body.substr(at, edit.where.offset - at);
    out.pieces[out.count++] = edit.text;
    at = edit.where.offset + edit.where.length;
  }
  out.pieces[out.count++] = body.substr(at);
}

// Keeps what relay needs of the answer's head; the headers themselves are scratch memory.
void take_head(Exchange& x, const net::ResponseHead& head) {
  const std::vector<net::Header>& headers = x.worker.headers();
  x.answer = Answer{};
  x.answer.head = head;
  x.answer.content_type = net::find_header(headers, "content-type");
  x.answer.content_encoding = net::find_header(headers, "content-encoding");
  x.answer.retry_after = net::find_header(headers, "retry-after");
  x.answer.request_id = net::find_header(headers, "x-request-id");
  constexpr std::string_view kStream = "text/event-stream";
  const std::string_view type = x.answer.content_type;
  const bool stream = x.converter != nullptr ? x.call.stream == llm::Stream::yes  // whatever its server calls it
                                             : net::equals_ignoring_case(type.substr(0, kStream.size()), kStream);
  x.answer.event_stream = stream && head.status >= 200 && head.status < 300;
  x.answer.decoder.emplace(head);
  x.answer.held = net::Held{x.worker.loop().buffers().meter()};
}

Error timed_out(const Exchange& x, std::string_view limit, std::string detail) {
  const bool connect = limit == "connect";
  const config::ModelTimeouts& timeouts = x.lane->model.timeouts;
  const Duration after = connect ? timeouts.connect : limit == "total" ? timeouts.total : timeouts.first_byte;
  const std::string key =
      limit == "first_byte" ? x.lane->model.first_byte_key : x.lane->model.timeouts_key + "." + std::string{limit};
  return make_error(Code::upstream_timeout, "The model `" + x.lane->name + "` did not answer within " +
                                                std::to_string(after / std::chrono::milliseconds{1}) + " ms (" + key +
                                                "); try again later, or have that limit raised.")
      .because(std::move(detail))
      .retrying(connect ? Retry::elsewhere : Retry::never);
}

// Fills in the words that net/ left out: which model, which limit.
Error explained(const Exchange& x, Error error, std::string_view limit) {
  const std::string model = "The model `" + x.lane->name + "`";
  if (error.code == Code::upstream_timeout && error.message.empty()) {
    if (x.deadline.reached(x.worker.loop().now())) limit = "total";
    return timed_out(x, limit, std::move(error.detail));
  }
  if (!error.message.empty()) return error;
  switch (error.code) {
    case Code::upstream_unreachable:
      error.message = model + " cannot be reached at the moment; its operator has to look.";
      break;
    case Code::upstream_broke: error.message = model + " broke off the connection; please try again."; break;
    case Code::upstream_malformed:
      error.message = model + " gave an answer that is not valid; its operator has to look.";
      break;
    case Code::egress_denied:
      error.message = model + " is at an address this gateway may not connect to (egress.allow).";
      break;
    default: break;
  }
  return error;
}

// How much of a stream is looked at for its first event before it is relayed without one.
constexpr std::size_t kFirstLook = 64 * 1024;

// Whether enough of a stream has come for an answer to begin: an event, or its end in good order. Until then another
// attempt is possible, and a status. Looks with copies: relay takes the same bytes again.
Result<bool> stream_begins(Exchange& x) {
  net::Buffer& buffer = x.upstream.client().buffer();
  net::BodyDecoder decoder = *x.answer.decoder;
  Stream first{Stream::Framing::chunked, Stream::UsageEvents::shown, 0, conversion_of(x)};
  const Stream::Output out = first.take(buffer.view(), decoder, x.worker.scratch());
  if (out.end == Stream::End::malformed) {
    return make_error(Code::upstream_malformed, {}).because("the stream is malformed or ends before its first event");
  }
  return out.payload > 0 || out.end != Stream::End::open || buffer.size() > kFirstLook;
}

net::Task<Result<Unit>> receive_first_event(Exchange& x, net::Until until) {
  net::HttpClient& client = x.upstream.client();
  for (;;) {
    const Fill got = client.fill(net::Buffer::kBlock);
    if (got == Fill::closed) {
      const bool last_line = x.answer.decoder->may_close_here() && !client.buffer().empty();
      if (last_line) co_return Unit{};
      co_return make_error(Code::upstream_broke, {}).because("closed before the first event");
    }
    if (got == Fill::more) {
      Result<bool> begins = stream_begins(x);
      if (!begins) co_return std::move(begins).error();
      if (*begins) co_return Unit{};
      continue;
    }
    const net::Wake wake = co_await client.readable(until);
    if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
    if (wake == net::Wake::deadline) {
      co_return make_error(Code::upstream_timeout, {}).because("waiting for the first event");
    }
  }
}

// Reads the whole body, or its first kCollect bytes.
net::Task<Result<Unit>> receive_body(Exchange& x) {
  net::HttpClient& client = x.upstream.client();
  net::BodyDecoder& decoder = *x.answer.decoder;
  const std::size_t most = x.converter != nullptr ? kConvert : kCollect;
  if (x.answer.head.framing == net::Framing::length && x.answer.head.content_length <= kCollect) {
    x.answer.owned.reserve(static_cast<std::size_t>(x.answer.head.content_length));
  }
  for (;;) {
    const net::BodyDecoder::Step step = decoder.step(client.buffer().view());
    if (step.state == net::BodyDecoder::State::bad) {
      co_return make_error(Code::upstream_malformed, {}).because("bad chunked coding");
    }
    x.answer.owned.append(step.data);
    x.answer.held.set(x.answer.owned.capacity());
    client.buffer().consume(step.consumed);
    x.answer.collected = step.state == net::BodyDecoder::State::end;
    if (x.answer.collected || x.answer.owned.size() >= most) co_return Unit{};
    if (step.state == net::BodyDecoder::State::piece) continue;
    const Fill got = client.fill(net::Buffer::kBlock);
    if (got == Fill::more) continue;
    if (got == Fill::closed) {
      if (!decoder.may_close_here()) co_return make_error(Code::upstream_broke, {}).because("closed within the body");
      x.answer.collected = true;
      x.answer.head.keep_alive = false;
      co_return Unit{};
    }
    const Deadline patience = Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.between_chunks);
    const net::Wake wake = co_await client.readable(whole_call(x).earlier(patience));
    if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
    if (wake == net::Wake::deadline) co_return went_silent(x);
  }
}

// The common case without a wait: the whole body came with the head.
bool take_body_here(Exchange& x) {
  net::Buffer& buffer = x.upstream.client().buffer();
  const net::ResponseHead& head = x.answer.head;
  if (head.framing != net::Framing::length || head.content_length > buffer.size()) return false;
  const auto size = static_cast<std::size_t>(head.content_length);
  x.answer.owned.assign(buffer.view().substr(0, size));
  x.answer.held.set(x.answer.owned.capacity());
  buffer.consume(size);
  return x.answer.collected = true;
}

// Sends the request as far as it goes without waiting; true: all of it.
bool send_now(Exchange& x, Outgoing& out) {
  compose(x, out);
  x.sent_at = x.worker.loop().now();
  if (!x.queued) {
    x.queued = x.sent_at - x.waiting_since;
    x.worker.state_of(*x.lane).queue_wait.observe(std::chrono::duration<double>(*x.queued).count());
  }
  out.sent = x.upstream.client().send_now(out.all());
  return x.upstream.client().request_sent();
}

// The answer's head has come.
void begin_answer(Exchange& x, const net::ResponseHead& head) {
  net::HttpClient& client = x.upstream.client();
  take_head(x, head);
  client.drop_head();
  if (!client.request_sent()) x.answer.head.keep_alive = false;
  x.first_byte = x.worker.loop().now();
}

Error failed(Exchange& x, Error error) {
  // The classic race: the server closed an idle connection just as it was used again. Says nothing about the endpoint.
  if (error.code == Code::upstream_broke && x.upstream.reused() && !x.upstream.client().answered()) {
    error.retry = Retry::fresh_connection;
  }
  x.upstream.drop();
  return explained(x, std::move(error), "first_byte");
}

net::Task<Result<Unit>> connect(Exchange& x) {
  const net::Until connecting =
      whole_call(x).earlier(Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.connect));
  Result<upstream::Connection> connection =
      co_await x.worker.pool().connect(x.endpoint, x.snapshot->config->egress, connecting);
  if (!connection) co_return explained(x, std::move(connection).error(), "connect");
  x.upstream = std::move(*connection);
  co_return Unit{};
}

}  // namespace

net::Task<Result<Unit>> attempt(Exchange& x, Take take) {
  Outgoing out;
  if (x.converter != nullptr) {
    Result<dialect::Sending> converted = convert_request(x);
    if (!converted) co_return std::move(converted).error();
    out.converted = std::move(*converted);
  }
  if (take == Take::any_connection) x.upstream = x.worker.pool().take_idle(x.endpoint);
  if (!x.upstream.open()) {
    x.phase = llm::Phase::connecting;
    Result<Unit> connected = co_await connect(x);
    if (!connected) co_return connected;
  }
  x.phase = llm::Phase::first_byte;
  const net::Until until =
      whole_call(x).earlier(Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.first_byte));
  net::HttpClient& client = x.upstream.client();
  if (!send_now(x, out)) {
    Result<Unit> sent = co_await client.send(out.all(), out.sent, until);
    if (!sent) co_return failed(x, std::move(sent).error());
  }
  out = {};  // its memory is not needed while the model thinks
  for (;;) {
    std::optional<Result<net::ResponseHead>> head = client.head_now(x.worker.headers());
    if (head && !*head) co_return failed(x, std::move(*head).error());
    if (head) {
      begin_answer(x, **head);
      break;
    }
    const net::Wake wake = co_await client.readable(until);
    if (wake == net::Wake::cancelled) co_return failed(x, make_error(Code::client_gone, {}));
    if (wake == net::Wake::deadline) {
      co_return failed(x, make_error(Code::upstream_timeout, {}).because("waiting for the answer's head"));
    }
  }
  if (!x.answer.event_stream) {
    x.phase = llm::Phase::answering;
    if (!take_body_here(x)) {
      Result<Unit> body = co_await receive_body(x);
      if (!body) co_return failed(x, std::move(body).error());
    }
    if (x.converter == nullptr) co_return Unit{};
    Result<Unit> converted = convert_answer(x);
    if (!converted) co_return failed(x, std::move(converted).error());
    co_return Unit{};
  }
  Result<bool> begins = stream_begins(x);
  if (!begins) co_return failed(x, std::move(begins).error());
  if (!*begins) {
    Result<Unit> first = co_await receive_first_event(x, until);
    if (!first) co_return failed(x, std::move(first).error());
  }
  // A stream's first event is its first byte: models send the head before they have read the prompt.
  x.first_byte = x.worker.loop().now();
  co_return Unit{};
}

}  // namespace intragate::pipeline

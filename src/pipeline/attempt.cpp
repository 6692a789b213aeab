#include "pipeline/attempt.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "dialect/form.h"
#include "dialect/openai.h"
#include "dialect/rerank.h"
#include "net/loop.h"
#include "net/sse.h"
#include "pipeline/conversion.h"
#include "pipeline/exchange.h"
#include "pipeline/mending.h"
#include "pipeline/parts.h"
#include "pipeline/relay_stream.h"
#include "pipeline/stream.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

using Fill = net::HttpClient::Fill;

std::string_view path_of(const Exchange& x) {
  switch (x.call.api) {
    case llm::Api::completions: return "/completions";
    case llm::Api::embeddings: return "/embeddings";
    case llm::Api::rerank: return ranks_by_vectors(*x.lane) ? "/embeddings" : "/rerank";
    case llm::Api::speech: return "/audio/speech";
    case llm::Api::transcription: return "/audio/transcriptions";
    default: return "/chat/completions";
  }
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  out += value;
  out += "\r\n";
}

// What is left of the call; the server gives up by itself then. At most eight digits.
std::string grpc_timeout(const Exchange& x) {
  constexpr std::int64_t kMost = 99'999'999;
  if (x.deadline.never()) return {};
  const std::int64_t left = (x.deadline.at() - x.worker.loop().now()) / std::chrono::milliseconds{1};
  return std::to_string(std::clamp<std::int64_t>(left, 1, kMost)) + 'm';
}

// The gateway's own head: of the client's headers only what a model may know of crosses.
std::string request_head(const Exchange& x, const Attempt& a, std::optional<std::uint64_t> body_size,
                         const dialect::Sending* converted) {
  const config::Endpoint& to = a.endpoint->configured();
  std::string head;
  head.reserve(512);
  head += converted != nullptr ? converted->method : std::string_view{"POST"};
  head += ' ';
  head += to.path;
  head += converted != nullptr ? std::string_view{converted->path} : path_of(x);
  head += " HTTP/1.1\r\n";
  head += a.endpoint->fixed_headers();
  if (converted != nullptr) head += converted->headers;
  if (converted != nullptr && a.endpoint->speaks_grpc()) append_header(head, "grpc-timeout: ", grpc_timeout(x));
  // The body was read as JSON, or as a form, whatever the client called it; and answers are looked into, so they must
  // not be packed.
  const bool form = x.call.api == llm::Api::transcription;
  append_header(head, "Content-Type: ", form ? x.head.content_type : "application/json");
  head += "Accept-Encoding: identity\r\n";
  append_header(head, "Accept: ", x.head.accept);
  append_header(head, "x-request-id: ", x.request_id);
  append_header(head, "traceparent: ", x.head.traceparent);
  append_header(head, "tracestate: ", x.head.tracestate);
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), body_size.value_or(0)).ptr;
  const std::string_view length{digits.data(), static_cast<std::size_t>(end - digits.data())};
  append_header(head, "Content-Length: ", body_size ? length : std::string_view{});
  append_header(head, "Transfer-Encoding: ", body_size ? "" : "chunked");
  head += "\r\n";
  return head;
}

net::Until whole_call(const Exchange& x, const Attempt& a) {
  return {x.deadline, a.cancellation};
}

// How long to wait for the answer of a model that has been sent the request.
net::Until first_byte(const Exchange& x, const Attempt& a) {
  return whole_call(x, a).earlier(Deadline::in(a.sent_at, x.lane->model.timeouts.first_byte));
}

// Head, and the body in pieces around what was changed in it.
struct Outgoing {
  llm::Edits edits;
  dialect::Sending converted;  // instead, for an endpoint of another dialect
  std::string head;
  std::string made;  // a body of another form, in place of the client's
  std::array<std::string_view, 3 + 2 * std::tuple_size_v<decltype(llm::Edits::list)>> pieces;
  std::size_t count = 0;
  std::size_t sent = 0;  // bytes

  [[nodiscard]] std::span<const std::string_view> all() const { return {pieces.data(), count}; }
};

void compose_converted(const Exchange& x, const Attempt& a, Outgoing& out) {
  out.head = request_head(x, a, out.converted.body.size(), &out.converted);
  out.pieces[out.count++] = out.head;
  out.pieces[out.count++] = out.converted.body;
}

void compose(const Exchange& x, const Attempt& a, Outgoing& out) {
  if (a.converter != nullptr) return compose_converted(x, a, out);
  const std::string_view body = x.body();
  const config::Endpoint& to = a.endpoint->configured();
  const bool ask = x.usage_hidden || x.front || x.principal->stream_usage == config::StreamUsage::always;
  const std::string& model = to.model.empty() ? x.lane->name : to.model;
  if (x.call.api == llm::Api::rerank && ranks_by_vectors(*x.lane)) {
    out.made = *dialect::rerank::as_embeddings(*dialect::rerank::understand(body), model);  // checked by understand
    out.head = request_head(x, a, out.made.size(), nullptr);
    out.pieces[0] = out.head;
    out.pieces[1] = out.made;
    out.count = 2;
    return;
  }
  using dialect::openai::AskUsage;
  out.edits = x.call.api == llm::Api::transcription
                  ? dialect::form::edits(x.call, model)
                  : dialect::openai::edits(x.call, body, model, ask && to.ask_usage ? AskUsage::yes : AskUsage::no,
                                           x.most_answer);
  std::uint64_t size = body.size();
  for (std::size_t i = 0; i < out.edits.count; ++i) {
    size += out.edits.list[i].text.size();
    size -= out.edits.list[i].where.length;
  }
  const bool chunked = x.upload && x.connection.head().framing == net::Framing::chunked;
  const std::uint64_t more = x.upload && !chunked ? x.connection.head().content_length - body.size() : 0;
  out.head = request_head(x, a, chunked ? std::nullopt : std::optional{size + more}, nullptr);
  if (chunked) net::append_chunk_head(out.head, size);
  out.pieces[out.count++] = out.head;
  std::size_t at = 0;
  for (std::size_t i = 0; i < out.edits.count; ++i) {
    const llm::Edit& edit = out.edits.list[i];
    out.pieces[out.count++] = body.substr(at, edit.where.offset - at);
    out.pieces[out.count++] = edit.text;
    at = edit.where.offset + edit.where.length;
  }
  out.pieces[out.count++] = body.substr(at);
  if (chunked) out.pieces[out.count++] = net::kChunkEnd;
}

// Keeps what relay needs of the answer's head; the headers themselves are scratch memory.
void take_head(Exchange& x, Attempt& a, const net::ResponseHead& head) {
  const std::vector<net::Header>& headers = x.worker.headers();
  a.answer = Answer{};
  a.answer.head = head;
  a.answer.content_type = net::find_header(headers, "content-type");
  const std::string_view encoding = net::find_header(headers, "content-encoding");
  const std::string_view retry_after = net::find_header(headers, "retry-after");
  const std::string_view request_id = net::find_header(headers, "x-request-id");
  if (!encoding.empty() || !retry_after.empty() || !request_id.empty()) {
    a.answer.seldom = std::make_unique<Answer::Seldom>(
        Answer::Seldom{std::string{encoding}, std::string{retry_after}, std::string{request_id}});
  }
  constexpr std::string_view kStream = "text/event-stream";
  const std::string_view type = a.answer.content_type;
  const bool stream = a.converter != nullptr ? x.call.stream == llm::Stream::yes  // whatever its server calls it
                                             : net::equals_ignoring_case(type.substr(0, kStream.size()), kStream);
  a.answer.event_stream = stream && head.status >= 200 && head.status < 300 && !is_to_be_whole(x, a);
  a.answer.decoder.emplace(head);
  a.answer.held = net::Held{x.worker.loop().buffers().meter()};
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

Error no_stream() {
  return make_error(Code::upstream_malformed, {}).because("the stream is malformed or ends before its first event");
}

// Whether the first event of a stream has come that needs no conversion: what it says is for relay to read. A comment
// is one as long as the stream goes on; one that ends without any other was no stream.
Result<bool> has_event(std::string_view input, net::BodyDecoder decoder) {
  using State = net::SseReader::State;
  net::SseReader reader;
  bool comment = false;
  for (;;) {
    net::BodyDecoder::Step step = decoder.step(input);
    input.remove_prefix(step.consumed);
    if (step.state == net::BodyDecoder::State::bad) return no_stream();
    if (step.state == net::BodyDecoder::State::more) return comment;
    const bool ended = step.state == net::BodyDecoder::State::end;
    for (State found = State::event; found == State::event;) {
      const net::SseReader::Step event = ended ? reader.finish() : reader.step(step.data);
      found = event.state;
      if (found == State::event && event.event.kind == net::SseEvent::Kind::data) return true;
      if (found == State::event) comment = true;
      if (found == State::too_long) return no_stream();
      step.data.remove_prefix(ended ? 0 : event.consumed);
    }
    if (ended) return no_stream();
  }
}

// Whether enough of a stream has come for an answer to begin: an event, or its end in good order. Until then another
// attempt is possible, and a status. Looks with copies: relay takes the same bytes again.
Result<bool> stream_begins(Exchange& x, const Attempt& a, net::HttpClient& client) {
  const std::string_view input = client.buffer().view();
  if (a.converter == nullptr) {
    Result<bool> begins = has_event(input, *a.answer.decoder);
    if (begins && input.size() > kFirstLook) return true;
    return begins;
  }
  net::BodyDecoder decoder = *a.answer.decoder;
  Stream first{Stream::Framing::chunked, Stream::UsageEvents::shown, 0, conversion_of(x, a), nullptr};
  const Stream::Output out = first.take(input, decoder, x.worker.scratch());
  if (out.end == Stream::End::malformed) return no_stream();
  return out.payload > 0 || out.end != Stream::End::open || input.size() > kFirstLook;
}

net::Task<Result<Unit>> receive_first_event(Exchange& x, Attempt& a, net::Until until) {
  net::HttpClient& client = a.upstream.client();
  for (;;) {
    const Fill got = client.fill(net::Buffer::kBlock);
    if (got == Fill::closed) {
      const bool last_line = a.answer.decoder->may_close_here() && !client.buffer().empty();
      if (last_line) co_return Unit{};
      co_return make_error(Code::upstream_broke, {}).because("closed before the first event");
    }
    if (got == Fill::more) {
      Result<bool> begins = stream_begins(x, a, client);
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

std::size_t most_of_answer(const Exchange& x, const Attempt& a) {
  if (x.call.api == llm::Api::rerank) return kCollectRanking;
  if (must_change_form(x, a) || (x.call.api == llm::Api::embeddings && !x.rebuilt.empty())) return kConvert;
  const bool screened = x.screening && x.screening->looks_into(content::Where::answer);
  return a.converter != nullptr || x.front || screened || is_to_be_whole(x, a) ? kConvert : kCollect;
}

// Reads the whole body, or its first kCollect bytes (more of what has to be read whole).
net::Task<Result<Unit>> receive_body(Exchange& x, Attempt& a) {
  net::HttpClient& client = a.upstream.client();
  net::BodyDecoder& decoder = *a.answer.decoder;
  std::size_t most = most_of_answer(x, a);
  if (a.answer.head.framing == net::Framing::length && a.answer.head.content_length <= most) {
    a.answer.owned.reserve(static_cast<std::size_t>(a.answer.head.content_length));
  }
  for (;;) {
    const net::BodyDecoder::Step step = decoder.step(client.buffer().view());
    if (step.state == net::BodyDecoder::State::bad) {
      co_return make_error(Code::upstream_malformed, {}).because("bad chunked coding");
    }
    a.answer.owned.append(step.data);
    a.answer.held.set(a.answer.owned.capacity());
    client.buffer().consume(step.consumed);
    a.answer.collected = step.state == net::BodyDecoder::State::end;
    if (a.answer.owned.size() >= most) most = most_of_answer(x, a);  // its beginning may tell
    if (a.answer.collected || a.answer.owned.size() >= most) co_return Unit{};
    if (step.state == net::BodyDecoder::State::piece) continue;
    const Fill got = client.fill(net::Buffer::kBlock);
    if (got == Fill::more) continue;
    if (got == Fill::closed) {
      const bool whole = decoder.may_close_here() && !client.cut();
      if (!whole) co_return make_error(Code::upstream_broke, {}).because("closed within the body");
      a.answer.collected = true;
      a.answer.head.keep_alive = false;
      co_return Unit{};
    }
    const Deadline patience = Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.between_chunks);
    const net::Wake wake = co_await client.readable(whole_call(x, a).earlier(patience));
    if (wake == net::Wake::cancelled) co_return make_error(Code::client_gone, {});
    if (wake == net::Wake::deadline) co_return went_silent(x);
  }
}

// The common case without a wait: the whole body came with the head.
bool take_body_here(Attempt& a) {
  net::Buffer& buffer = a.upstream.client().buffer();
  const net::ResponseHead& head = a.answer.head;
  if (head.framing != net::Framing::length || head.content_length > buffer.size()) return false;
  const auto size = static_cast<std::size_t>(head.content_length);
  a.answer.owned.assign(buffer.view().substr(0, size));
  a.answer.held.set(a.answer.owned.capacity());
  buffer.consume(size);
  return a.answer.collected = true;
}

// The request as an endpoint of another dialect reads it.
Result<Unit> in_its_dialect(const Exchange& x, Attempt& a, Outgoing& out) {
  if (a.converter == nullptr) return Unit{};
  Result<dialect::Sending> converted = convert_request(x, a);
  if (!converted) return std::move(converted).error();
  out.converted = std::move(*converted);
  a.tools = std::move(out.converted.tools);
  return Unit{};
}

// Sends the request as far as it goes without waiting; true: all of it.
bool send_now(Exchange& x, Attempt& a, Outgoing& out) {
  compose(x, a, out);
  a.sent_at = x.worker.loop().now();
  if (!x.queued) {
    x.queued = a.sent_at - x.waiting_since;
    x.worker.state_of(*x.lane).queue_wait.observe(std::chrono::duration<double>(*x.queued).count());
  }
  out.sent = a.upstream.client().send_now(out.all());
  return a.upstream.client().request_sent();
}

// What of the request is not sent yet: what the model did not take at once, and the rest of an upload.
net::Task<Result<Unit>> send_rest(Exchange& x, Attempt& a, Outgoing& out) {
  net::HttpClient& client = a.upstream.client();
  if (!client.request_sent()) {
    Result<Unit> sent = co_await client.send(out.all(), out.sent, first_byte(x, a));
    if (!sent || !client.request_sent()) co_return sent;
  }
  if (!x.upload) co_return Unit{};
  out = {};
  Result<Unit> passed = co_await pass_on(x, a);
  a.sent_at = x.worker.loop().now();
  co_return passed;
}

// The answer's head has come.
void begin_answer(Exchange& x, Attempt& a, const net::ResponseHead& head) {
  net::HttpClient& client = a.upstream.client();
  take_head(x, a, head);
  client.drop_head();
  if (!client.request_sent()) a.answer.head.keep_alive = false;
  a.first_byte = x.worker.loop().now();
}

Error failed(const Exchange& x, Attempt& a, Error error) {
  // The classic race: the server closed an idle connection just as it was used again. Says nothing about the endpoint.
  if (error.code == Code::upstream_broke && a.upstream.reused() && !a.upstream.client().answered()) {
    error.retry = Retry::fresh_connection;
  }
  a.upstream.drop();
  return explained(x, std::move(error), "first_byte");
}

net::Task<Result<Unit>> connect(Exchange& x, Attempt& a) {
  const net::Until connecting =
      whole_call(x, a).earlier(Deadline::in(x.worker.loop().now(), x.lane->model.timeouts.connect));
  Result<upstream::Connection> connection =
      co_await x.worker.pool().connect(a.endpoint, x.snapshot->config->egress, connecting);
  if (!connection) co_return explained(x, std::move(connection).error(), "connect");
  a.upstream = std::move(*connection);
  co_return Unit{};
}

}  // namespace

net::Task<Result<Unit>> attempt(Exchange& x, Attempt& a, Take take) {
  Outgoing out;
  Result<Unit> said = in_its_dialect(x, a, out);
  if (!said) co_return said;
  // What was passed on cannot be sent again, so that no upload may find a connection that just died in the pool.
  if (take == Take::any_connection && !x.upload) a.upstream = x.worker.pool().take_idle(a.endpoint);
  if (!a.upstream.open()) {
    x.phase = llm::Phase::connecting;
    Result<Unit> connected = co_await connect(x, a);
    if (!connected) co_return connected;
  }
  x.phase = llm::Phase::first_byte;
  net::HttpClient& client = a.upstream.client();
  if (!send_now(x, a, out) || x.upload) {
    Result<Unit> sent = co_await send_rest(x, a, out);
    if (!sent) co_return failed(x, a, std::move(sent).error());
  }
  const net::Until until = first_byte(x, a);
  out = {};  // its memory is not needed while the model thinks
  for (;;) {
    std::optional<Result<net::ResponseHead>> head = client.head_now(x.worker.headers());
    if (head && !*head) co_return failed(x, a, std::move(*head).error());
    if (head) {
      begin_answer(x, a, **head);
      break;
    }
    const net::Wake wake = co_await client.readable(until);
    if (wake == net::Wake::cancelled) co_return failed(x, a, make_error(Code::client_gone, {}));
    if (wake == net::Wake::deadline) {
      co_return failed(x, a, make_error(Code::upstream_timeout, {}).because("waiting for the answer's head"));
    }
  }
  const bool good = a.answer.head.status >= 200 && a.answer.head.status < 300;
  if (x.call.api == llm::Api::speech && good) co_return Unit{};  // it is heard while it is made
  if (!a.answer.event_stream) {
    x.phase = llm::Phase::answering;
    if (!take_body_here(a)) {
      Result<Unit> body = co_await receive_body(x, a);
      if (!body) co_return failed(x, a, std::move(body).error());
    }
    if (a.converter == nullptr) {
      mend_answer(x, a);
      co_return Unit{};
    }
    Result<Unit> converted = convert_answer(x, a);
    if (!converted) co_return failed(x, a, std::move(converted).error());
    co_return Unit{};
  }
  Result<bool> begins = stream_begins(x, a, client);
  if (!begins) co_return failed(x, a, std::move(begins).error());
  if (!*begins) {
    Result<Unit> first = co_await receive_first_event(x, a, until);
    if (!first) co_return failed(x, a, std::move(first).error());
  }
  // A stream's first event is its first byte: models send the head before they have read the prompt.
  a.first_byte = x.worker.loop().now();
  co_return Unit{};
}

}  // namespace intragate::pipeline

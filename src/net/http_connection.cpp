#include "net/http_connection.h"

#include <algorithm>
#include <cstring>

#include "net/loop.h"
#include "net/tls_stream.h"

namespace intragate::net {
namespace {

constexpr Duration kLinger = std::chrono::seconds{2};
constexpr std::size_t kLingerBytes = 16 * 1024 * 1024;
constexpr std::size_t kSlowest = 16 * 1024;       // bytes of a body in a second
constexpr std::size_t kReadAhead = 1024 * 1024;   // a body's memory grows at most this far ahead of what has come
constexpr std::size_t kHeldAtFirst = 160 * 1024;  // of a body that is held only until it is known where it goes

Error too_large(std::uint64_t limit, std::string_view key = "listen.max_body") {
  return make_error(Code::body_too_large, "The request body is larger than the " + std::to_string(limit) +
                                              " bytes this gateway accepts. Send less, or ask its administrator to "
                                              "raise " +
                                              std::string{key} + ".");
}

Error no_room() {
  return make_error(Code::memory_full,
                    "The gateway has no memory for this request at the moment (memory_limit); please try again.");
}

Error too_slow(std::string_view what, std::string_view key) {
  return make_error(Code::request_timeout,
                    "The " + std::string{what} + " did not arrive in time (" + std::string{key} + ").");
}

}  // namespace

HttpConnection::HttpConnection(Loop& loop, Socket socket, const HttpLimits& limits, std::vector<Header>& headers)
    : loop_{loop},
      socket_{std::move(socket)},
      limits_{limits},
      headers_{headers},
      in_{loop.buffers()},
      chunks_{loop.buffers()},
      owned_held_{loop.buffers().meter()} {}

// Reads once more, with room for `total` bytes in the buffer; does not wait, and holds no empty block.
HttpConnection::Fill HttpConnection::fill_now(Buffer& into, std::size_t total) {
  if (!socket_.may_read()) return Fill::blocked;
  into.reserve(total);
  const Socket::Moved moved = socket_.read(into.space());
  if (moved.io == Socket::Io::done) {
    into.commit(moved.bytes);
    return Fill::more;
  }
  if (into.empty()) into.release();
  return moved.io == Socket::Io::blocked ? Fill::blocked : Fill::closed;
}

// The same, waiting while nothing is there.
Task<HttpConnection::Fill> HttpConnection::fill(Buffer& into, std::size_t total, Deadline deadline) {
  for (;;) {
    const Fill got = fill_now(into, total);
    if (got != Fill::blocked) co_return got;
    const Wake wake = co_await socket_.wait(loop_, Interest::read, {deadline, &cancellation_});
    if (wake == Wake::deadline) co_return Fill::timeout;
    if (wake == Wake::cancelled) co_return Fill::cancelled;
  }
}

Task<Result<std::optional<SocketAddress>>> HttpConnection::receive_proxy_header() {
  const Deadline deadline = Deadline::in(loop_.now(), limits_.head);
  for (;;) {
    const ProxyHeader header = read_proxy_header(in_.view());
    if (header.state == ProxyHeader::State::bad) {
      co_return make_error(Code::malformed_request, "The PROXY protocol header is malformed.");
    }
    if (header.state == ProxyHeader::State::complete) {
      in_.consume(header.size);
      co_return header.client;
    }
    if (header.state == ProxyHeader::State::absent) co_return std::optional<SocketAddress>{};
    const Fill got = co_await fill(in_, Buffer::kBlock, deadline);
    if (got == Fill::timeout) co_return too_slow("PROXY protocol header", "listen.timeouts.head");
    if (got != Fill::more) co_return make_error(Code::client_gone, {});
  }
}

Task<Result<Unit>> HttpConnection::receive_tls(std::shared_ptr<const TlsContext> context) {
  std::string early{in_.view()};
  in_.release();
  const Deadline deadline = Deadline::in(loop_.now(), limits_.head);
  co_return co_await secure(loop_, socket_, std::move(context), std::move(early), {deadline, &cancellation_});
}

const Certificate* HttpConnection::peer_certificate() const {
  return socket_.tls() == nullptr ? nullptr : socket_.tls()->peer();
}

const TlsContext* HttpConnection::tls() const {
  return socket_.tls() == nullptr ? nullptr : &socket_.tls()->context();
}

bool HttpConnection::resumed() const {
  return socket_.tls() != nullptr && socket_.tls()->resumed();
}

Task<Result<HttpConnection::Arrival>> HttpConnection::receive_head() {
  // A fresh connection owes its head at once; a kept one may rest first.
  drop_line_end();
  Deadline deadline = Deadline::in(loop_.now(), first_request_ || !in_.empty() ? limits_.head : limits_.idle);
  bool begun = !in_.empty();
  first_request_ = false;
  head_ = RequestHead{};
  head_.keep_alive = false;  // until a head is understood: after one that is not, nothing on this connection can be
  body_complete_ = false;
  std::size_t scanned = 0;
  for (;;) {
    if (begun) {
      const HeadEnd end = find_head_end(in_.view(), scanned);
      if (end.state == HeadEnd::State::bad) {
        co_return make_error(Code::malformed_request,
                             "The request is not HTTP/1.1: a line ends without CRLF or holds a NUL.");
      }
      if (end.state == HeadEnd::State::complete && end.size <= limits_.max_head) co_return parse_head(end.size);
      if (in_.size() >= limits_.max_head) {
        co_return make_error(Code::head_too_large, "The request's headers are larger than the " +
                                                       std::to_string(limits_.max_head) +
                                                       " bytes this gateway accepts (listen.max_head).");
      }
      scanned = end.scanned;
    }
    const std::size_t room = in_.size() < Buffer::kBlock ? Buffer::kBlock : limits_.max_head + 1;
    Fill got = fill_now(in_, room);
    if (got == Fill::blocked) {
      const Wake wake = co_await socket_.wait(loop_, Interest::read, {deadline, &cancellation_});
      if (wake == Wake::ready) continue;
      got = wake == Wake::deadline ? Fill::timeout : Fill::cancelled;
    }
    if (got == Fill::timeout && begun) co_return too_slow("request's head", "listen.timeouts.head");
    if (got == Fill::closed && begun) co_return make_error(Code::client_gone, {});
    if (got != Fill::more) co_return Arrival::none;
    drop_line_end();
    if (in_.empty()) continue;
    if (!begun) deadline = Deadline::in(loop_.now(), limits_.head);
    begun = true;
  }
}

// RFC 9112 section 2.2: some old clients send an empty line behind a body. Alone it begins no request.
void HttpConnection::drop_line_end() {
  if (in_.view() == "\r\n") in_.consume(2);
}

Result<HttpConnection::Arrival> HttpConnection::parse_head(std::size_t size) {
  Result<RequestHead> parsed = parse_request_head(in_.view().substr(0, size), headers_);
  if (!parsed) return std::move(parsed).error();
  head_ = *parsed;
  request_size_ = size;
  body_ = {};
  body_complete_ = head_.framing == Framing::none;
  return Arrival::head;
}

bool HttpConnection::take_body_here() {
  if (body_complete_) return true;
  if (head_.framing != Framing::length || head_.content_length > in_.size() - request_size_) return false;
  if (head_.content_length > limits_.max_body) return false;
  const auto length = static_cast<std::size_t>(head_.content_length);
  body_ = in_.view().substr(request_size_, length);
  request_size_ += length;
  return body_complete_ = true;
}

Task<Result<Unit>> HttpConnection::receive_body() {
  if (take_body_here()) co_return Unit{};
  if (head_.framing == Framing::length && head_.content_length > limits_.max_body)
    co_return too_large(limits_.max_body);
  if (head_.framing == Framing::length && !loop_.has_room_for(head_.content_length)) co_return no_room();
  if (head_.expect == Expect::continue_100 && in_.size() == request_size_) {
    Result<Unit> said = co_await say_continue();
    if (!said) co_return said;
  }
  if (head_.framing == Framing::chunked) co_return co_await receive_chunked_body();
  co_return co_await receive_length_body();
}

Task<Result<Unit>> HttpConnection::say_continue() {
  const std::array<std::string_view, 1> go_on{"HTTP/1.1 100 Continue\r\n\r\n"};
  std::size_t sent = write_now(go_on);
  if (sent == go_on[0].size()) co_return Unit{};
  const WriteEnd end = co_await write_rest(go_on, sent, Deadline::in(loop_.now(), limits_.body));
  write_failed_ = end != WriteEnd::done;  // half an interim answer: no other can follow
  if (write_failed_) co_return make_error(Code::client_gone, {});
  co_return Unit{};
}

// What lies in the buffer of the next piece; nothing: more must come first.
Result<std::optional<std::string_view>> HttpConnection::take_piece(Pieces& at) {
  using State = BodyDecoder::State;
  chunks_.consume(std::exchange(at.given, 0));
  for (;;) {
    const BodyDecoder::Step step = at.decoder->step(chunks_.view());
    if (step.state == State::bad) {
      return make_error(Code::malformed_request, "The request body's chunked coding is malformed.");
    }
    if (step.state != State::piece) chunks_.consume(step.consumed);
    if (step.state == State::more) return std::optional<std::string_view>{};
    if (step.state == State::end) {
      body_complete_ = true;
      return std::optional{std::string_view{}};
    }
    at.given = step.consumed;
    pieces_bytes_ += step.data.size();
    if (pieces_bytes_ > limits_.max_upload) return too_large(limits_.max_upload, "listen.max_upload");
    return std::optional{step.data};
  }
}

Task<Result<std::string_view>> HttpConnection::receive_piece(Pieces& at, Deadline until) {
  if (body_complete_) co_return std::string_view{};
  if (!at.decoder) {
    const bool length = head_.framing == Framing::length;
    if (length && head_.content_length > limits_.max_upload)
      co_return too_large(limits_.max_upload, "listen.max_upload");
    if (head_.expect == Expect::continue_100 && in_.size() == request_size_) {
      Result<Unit> said = co_await say_continue();
      if (!said) co_return std::move(said).error();
    }
    at.decoder.emplace(head_.framing, head_.content_length);
    chunks_ = in_.split(request_size_);
  }
  for (;;) {
    Result<std::optional<std::string_view>> piece = take_piece(at);
    if (!piece) co_return std::move(piece).error();
    if (*piece) co_return **piece;
    // As body_deadline, but only waits count.
    const Duration for_what_came = std::chrono::seconds{1} * static_cast<std::int64_t>(pieces_bytes_ / kSlowest);
    const TimePoint now = loop_.now();
    Deadline deadline = until;
    if (limits_.body > Duration::zero()) {
      deadline = deadline.earlier(Deadline::in(now, std::min(limits_.body, limits_.body + for_what_came - at.waited)));
    }
    const Fill got = co_await fill(chunks_, Buffer::kBlock, deadline);
    at.waited += loop_.now() - now;
    if (got == Fill::timeout && until.reached(loop_.now())) {
      co_return make_error(Code::request_timeout, "The request body did not arrive in the time that a call may take.");
    }
    if (got == Fill::timeout) co_return too_slow("request body", "listen.timeouts.body");
    if (got != Fill::more) co_return make_error(Code::client_gone, {});
  }
}

Result<Unit> HttpConnection::hold(std::string_view piece) {
  if (owned_capacity_ == 0) {
    const bool length = head_.framing == Framing::length;
    const std::uint64_t most = length ? std::min(limits_.max_body, head_.content_length) : limits_.max_body;
    Result<Unit> grown = grow_body(static_cast<std::size_t>(std::min<std::uint64_t>(kHeldAtFirst, most)));
    if (!grown) return grown;
  }
  Result<Unit> added = append_body(piece);
  if (added) body_ = {owned_body_.get(), owned_size_};
  return added;
}

// The whole body has limits_.body to arrive, and a second more for every kSlowest bytes that came: long bodies may take
// long, but whoever sends a byte now and then holds a connection for no longer than others.
Deadline HttpConnection::body_deadline(TimePoint begun) const {
  if (limits_.body <= Duration::zero()) return {};
  const Duration for_what_came = std::chrono::seconds{1} * static_cast<std::int64_t>(owned_size_ / kSlowest);
  return Deadline{begun + limits_.body + for_what_came}.earlier(Deadline::in(loop_.now(), limits_.body));
}

Task<Result<Unit>> HttpConnection::receive_length_body() {
  const TimePoint begun = loop_.now();
  const auto length = static_cast<std::size_t>(head_.content_length);
  const std::size_t here = std::min(in_.size() - request_size_, length);
  if (length <= kReadAhead) {
    owned_body_ = std::make_unique_for_overwrite<char[]>(length);
    owned_capacity_ = length;
    owned_held_.set(length);
  }
  Result<Unit> first = append_body(in_.view().substr(request_size_, here));
  if (!first) co_return first;
  request_size_ += here;
  while (owned_size_ < length) {
    if (owned_size_ == owned_capacity_) {
      Result<Unit> grown = grow_body(std::min(length, std::max(kReadAhead, owned_capacity_ * 2)));
      if (!grown) co_return grown;
    }
    const Socket::Moved moved = socket_.read({owned_body_.get() + owned_size_, owned_capacity_ - owned_size_});
    if (moved.io == Socket::Io::done) {
      owned_size_ += moved.bytes;
      continue;
    }
    if (moved.io != Socket::Io::blocked) co_return make_error(Code::client_gone, {});
    const Wake wake = co_await socket_.wait(loop_, Interest::read, {body_deadline(begun), &cancellation_});
    if (wake == Wake::deadline) co_return too_slow("request body", "listen.timeouts.body");
    if (wake == Wake::cancelled) co_return make_error(Code::client_gone, {});
  }
  body_ = {owned_body_.get(), owned_size_};
  body_complete_ = true;
  co_return Unit{};
}

Task<Result<Unit>> HttpConnection::receive_chunked_body() {
  const TimePoint begun = loop_.now();
  chunks_ = in_.split(request_size_);
  ChunkedDecoder decoder;
  for (;;) {
    Result<bool> ended = take_chunks(decoder);
    if (!ended) co_return std::move(ended).error();
    if (*ended) break;
    const Fill got = co_await fill(chunks_, Buffer::kBlock, body_deadline(begun));
    if (got == Fill::timeout) co_return too_slow("request body", "listen.timeouts.body");
    if (got != Fill::more) co_return make_error(Code::client_gone, {});
  }
  body_ = {owned_body_.get(), owned_size_};
  body_complete_ = true;
  co_return Unit{};
}

// Moves what has come of a chunked body to the owned body; true at its end.
Result<bool> HttpConnection::take_chunks(ChunkedDecoder& decoder) {
  using State = ChunkedDecoder::State;
  for (;;) {
    const ChunkedDecoder::Step step = decoder.step(chunks_.view());
    if (step.state == State::bad) {
      return make_error(Code::malformed_request, "The request body's chunked coding is malformed.");
    }
    if (step.state == State::piece) {
      Result<Unit> taken = append_body(step.data);
      if (!taken) return std::move(taken).error();
    }
    chunks_.consume(step.consumed);
    if (step.state != State::piece) return step.state == State::end;
  }
}

Result<Unit> HttpConnection::grow_body(std::size_t capacity) {
  if (capacity > limits_.max_body) return too_large(limits_.max_body);
  if (!loop_.has_room_for(capacity - owned_capacity_)) return no_room();
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  if (owned_size_ > 0) std::memcpy(larger.get(), owned_body_.get(), owned_size_);
  owned_body_ = std::move(larger);
  owned_capacity_ = capacity;
  owned_held_.set(capacity);
  return Unit{};
}

Result<Unit> HttpConnection::append_body(std::string_view piece) {
  const std::size_t needed = owned_size_ + piece.size();
  if (needed > limits_.max_body) return too_large(limits_.max_body);
  if (needed > owned_capacity_) {
    std::size_t wanted = std::max({needed, owned_capacity_ * 2, std::size_t{kReadAhead}});
    if (!loop_.has_room_for(wanted - owned_capacity_)) wanted = needed + kReadAhead / 4;  // where memory is short
    Result<Unit> grown = grow_body(std::min<std::size_t>(wanted, limits_.max_body));
    if (!grown) return grown;
  }
  if (!piece.empty()) std::memcpy(owned_body_.get() + owned_size_, piece.data(), piece.size());
  owned_size_ = needed;
  return Unit{};
}

void HttpConnection::release_request() {
  in_.consume(request_size_);
  if (!chunks_.empty()) in_ = std::move(chunks_);  // the beginning of the next request
  request_size_ = 0;
  body_ = {};
  owned_body_.reset();
  owned_held_.set(0);
  owned_capacity_ = owned_size_ = 0;
  pieces_bytes_ = 0;
}

std::size_t HttpConnection::write_now(std::span<const std::string_view> pieces) {
  const Socket::Moved moved = socket_.write(pieces);
  if (moved.io == Socket::Io::failed) write_failed_ = true;
  return moved.bytes;
}

Task<WriteEnd> HttpConnection::write_rest(std::span<const std::string_view> pieces, std::size_t& sent,
                                          Deadline deadline) {
  if (write_failed_) co_return WriteEnd::failed;
  const WriteEnd end =
      co_await net::write_rest(loop_, socket_, pieces, sent, {limits_.write, {deadline, &cancellation_}});
  const bool can_go_on = end == WriteEnd::cancelled && cancellation_.reason() == CancelReason::operator_request;
  if (end != WriteEnd::done && !can_go_on) write_failed_ = true;
  co_return end;
}

Task<void> HttpConnection::finish() {
  socket_.on_hangup(loop_, nullptr);
  socket_.shutdown_write();
  in_.release();
  chunks_.release();
  request_size_ = 0;
  const Deadline deadline = Deadline::in(loop_.now(), kLinger);
  std::size_t dropped = 0;
  while (dropped < kLingerBytes) {
    const Fill got = co_await fill(in_, Buffer::kBlock, deadline);
    if (got != Fill::more) break;
    dropped += in_.size();
    in_.release();
  }
}

void HttpConnection::abort() {
  socket_.reset_on_close();
  write_failed_ = true;
}

}  // namespace intragate::net

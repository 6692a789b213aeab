#include "net/http_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/grpc_session.h"
#include "net/loop.h"

namespace intragate::net {
namespace {

constexpr std::size_t kMaxHead = 64 * 1024;
constexpr std::uint8_t kMaxInterim = 16;

Error broke(std::string detail) {
  return make_error(Code::upstream_broke, {}).because(std::move(detail));
}

Error ended(Wake wake, std::string_view doing) {
  if (wake == Wake::cancelled) return make_error(Code::client_gone, {});
  return make_error(Code::upstream_timeout, {}).because(std::string{doing});
}

}  // namespace

HttpClient::HttpClient(Loop& loop, Socket socket, Speech speech)
    : loop_{&loop}, opened_{loop.now()}, socket_{std::move(socket)}, in_{loop.buffers()} {
  if (speech == Speech::http_1_1) return;
  grpc_ =
      std::make_unique<GrpcSession>(socket_.tls() == nullptr ? GrpcSession::Scheme::http : GrpcSession::Scheme::https);
}

std::size_t HttpClient::send_now(std::span<const std::string_view> pieces) {
  if (grpc_ != nullptr) [[unlikely]]
    return begin_grpc(pieces);
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  const std::size_t sent = socket_.write(pieces).bytes;
  request_sent_ = sent == size;
  return sent;
}

Task<Result<Unit>> HttpClient::send(std::span<const std::string_view> pieces, std::size_t sent, Until until) {
  if (grpc_ != nullptr) co_return co_await send_grpc(pieces, until);
  while (!pieces.empty()) {
    if (sent >= pieces.front().size()) {
      sent -= pieces.front().size();
      pieces = pieces.subspan(1);
      continue;
    }
    std::array<std::string_view, 16> rest;  // as many as send_now offers: TLS must see the same bytes again
    const std::size_t count = std::min(pieces.size(), rest.size());
    std::copy_n(pieces.begin(), count, rest.begin());
    rest[0].remove_prefix(sent);
    const Socket::Moved moved = socket_.write({rest.data(), count});
    if (moved.io == Socket::Io::done) {
      sent += moved.bytes;
      continue;
    }
    // A model that refuses early closes its end: what it said can still be read.
    if (moved.io == Socket::Io::failed) co_return Unit{};
    const Wake wake = co_await socket_.wait(*loop_, Interest::either, until);
    if (wake != Wake::ready) co_return ended(wake, "sending the request");
    const Fill got = fill(Buffer::kBlock);
    if (got == Fill::closed || (got == Fill::more && !drop_interim())) co_return Unit{};
  }
  request_sent_ = true;
  co_return Unit{};
}

Task<Result<bool>> HttpClient::send_more(std::span<const std::string_view> pieces, Until until) {
  request_sent_ = false;
  Result<Unit> sent = co_await send(pieces, 0, until);
  if (!sent) co_return std::move(sent).error();
  co_return request_sent_;
}

// An answer that has begun: true if nothing but whole interim (1xx) heads has come, which are dropped.
bool HttpClient::drop_interim() {
  while (!in_.empty()) {
    const HeadEnd end = find_head_end(in_.view());
    constexpr std::string_view kInterim = "HTTP/1.1 1";
    const bool interim = end.state == HeadEnd::State::complete && in_.view().starts_with(kInterim);
    if (!interim || ++interim_ > kMaxInterim) return false;
    in_.consume(end.size);
  }
  answered_ = false;
  return true;
}

std::optional<Result<ResponseHead>> HttpClient::head_now(std::vector<Header>& headers) {
  for (;;) {
    std::optional<Result<ResponseHead>> head = in_.empty() ? std::nullopt : head_here(headers);
    if (head) return head;
    const Fill got = fill(Buffer::kBlock);
    if (got == Fill::closed) return broke(answered_ ? "closed within the answer's head" : "closed before the answer");
    if (got == Fill::blocked) return std::nullopt;
  }
}

// The head in the buffer, if it is whole; what is wrong with it, if it is.
std::optional<Result<ResponseHead>> HttpClient::head_here(std::vector<Header>& headers) {
  for (;;) {
    const HeadEnd end = find_head_end(in_.view(), scanned_);
    if (end.state == HeadEnd::State::bad) {
      return make_error(Code::upstream_malformed, {}).because("the answer is not HTTP");
    }
    if (end.state == HeadEnd::State::incomplete) {
      scanned_ = end.scanned;
      if (in_.size() <= kMaxHead) return std::nullopt;
      return make_error(Code::upstream_malformed, {}).because("the answer's head is too large");
    }
    Result<ResponseHead> head = parse_response_head(in_.view().substr(0, end.size), headers);
    if (!head || head->status >= 200) {
      head_size_ = end.size;
      return head;
    }
    if (head->status == 101 || ++interim_ > kMaxInterim) {
      return make_error(Code::upstream_malformed, {}).because("unexpected interim answers");
    }
    in_.consume(end.size);
    scanned_ = 0;
    if (in_.empty()) return std::nullopt;
  }
}

Task<Result<ResponseHead>> HttpClient::receive_head(Until until, std::vector<Header>& headers) {
  for (;;) {
    std::optional<Result<ResponseHead>> head = head_now(headers);
    if (head) co_return std::move(*head);
    const Wake wake = co_await readable(until);
    if (wake != Wake::ready) co_return ended(wake, "waiting for the answer's head");
  }
}

HttpClient::Fill HttpClient::fill(std::size_t limit) {
  if (grpc_ != nullptr) [[unlikely]]
    return fill_grpc(limit);
  if (!socket_.may_read()) return Fill::blocked;
  in_.reserve(in_.size() < Buffer::kBlock ? Buffer::kBlock : in_.size() * 2);
  const std::span<char> space = in_.space();
  const Socket::Moved moved = socket_.read(space.first(std::min(limit, space.size())));
  if (moved.io == Socket::Io::done) {
    in_.commit(moved.bytes);
    answered_ = true;
    return Fill::more;
  }
  cut_ = moved.io == Socket::Io::failed && socket_.tls() != nullptr;
  if (in_.empty()) in_.release();
  return moved.io == Socket::Io::blocked ? Fill::blocked : Fill::closed;
}

Readiness HttpClient::readable(Until until) {
  if (in_.empty()) in_.release();
  const bool writes = grpc_ != nullptr && !grpc_->output().empty();
  return socket_.wait(*loop_, writes ? Interest::either : Interest::read, until);
}

void HttpClient::reset() {
  in_.release();
  head_size_ = scanned_ = 0;
  interim_ = 0;
  answered_ = request_sent_ = false;
  if (grpc_ != nullptr) grpc_->end_call();
}

}  // namespace intragate::net

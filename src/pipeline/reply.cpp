#include "pipeline/reply.h"

#include <array>
#include <cassert>
#include <utility>

#include "base/raw_writer.h"
#include "net/chunked.h"
#include "pipeline/exchange.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return status < 400 ? "OK" : status < 500 ? "Bad Request" : "Error";
  }
}

// As OpenAI writes them.
struct AllowanceHeaders {
  std::string_view limit;
  std::string_view remaining;
  std::string_view reset;
};
constexpr AllowanceHeaders kRequestsLeft{
    "\r\nx-ratelimit-limit-requests: ", "\r\nx-ratelimit-remaining-requests: ", "\r\nx-ratelimit-reset-requests: "};
constexpr AllowanceHeaders kTokensLeft{
    "\r\nx-ratelimit-limit-tokens: ", "\r\nx-ratelimit-remaining-tokens: ", "\r\nx-ratelimit-reset-tokens: "};

void write_allowance(RawWriter& out, const AllowanceHeaders& names, const qos::Allowance& left) {
  if (left.limit == 0) return;
  out.raw(names.limit);
  out.number(left.limit);
  out.raw(names.remaining);
  out.number(left.remaining);
  out.raw(names.reset);
  const Duration whole = left.reset + std::chrono::milliseconds{999};
  out.number(static_cast<std::uint64_t>(whole / std::chrono::seconds{1}));
  out.byte('s');
}

// What the gateway says of itself: design 5.4.
void write_own_headers(RawWriter& out, Exchange& x) {
  out.raw("\r\nx-request-id: ");
  out.raw(x.request_id);
  out.raw("\r\nserver-timing: gateway;dur=");
  const TimePoint now = x.worker.loop().fresh_now();
  const Duration upstream = x.first_byte ? *x.first_byte - x.sent_at : Duration{};
  const Duration queue = x.queued.value_or(Duration{});
  out.milliseconds(now - x.begun - upstream - queue);
  out.raw(", queue;dur=");
  out.milliseconds(queue);
  out.raw(", upstream;dur=");
  out.milliseconds(upstream);
  write_allowance(out, kRequestsLeft, x.requests_left);
  write_allowance(out, kTokensLeft, x.tokens_left);
  if (x.attempts > 0) {
    out.raw("\r\nx-intragate-attempts: ");
    out.number(x.attempts);
  }
  if (x.endpoint != nullptr) {
    out.raw("\r\nx-intragate-endpoint: ");
    out.raw(x.endpoint->id());
  }
  if (x.screening) {
    const std::string_view word = x.screening->word();
    if (!word.empty()) out.raw("\r\nx-intragate-content: ");
    out.raw(word);
  }
  out.raw("\r\n");
}

// At least what a head takes.
std::size_t room_for(const Exchange& x, const Reply::Head& head) {
  constexpr std::size_t kAlways = 512;      // what write_head writes itself, and the gateway's own headers
  constexpr std::size_t kAllowances = 352;  // the names of both, and their numbers
  const std::size_t texts = head.content_type.size() + head.extra.size() + x.request_id.size() +
                            (x.endpoint != nullptr ? x.endpoint->id().size() : 0);
  return texts + kAlways + (x.requests_left.limit > 0 || x.tokens_left.limit > 0 ? kAllowances : 0);
}

}  // namespace

void Reply::write_head(Exchange& x, const Head& head, std::optional<std::uint64_t> length) {
  status_ = head.status;
  head_.resize(room_for(x, head));
  RawWriter out{head_.data()};
  out.raw("HTTP/1.1 ");
  out.number(static_cast<std::uint64_t>(head.status));
  out.byte(' ');
  out.raw(reason(head.status));
  out.raw("\r\ndate: ");
  out.raw(x.worker.date());
  if (!head.content_type.empty()) {
    out.raw("\r\ncontent-type: ");
    out.raw(head.content_type);
  }
  const bool no_body = head.status == 204;
  if (length && !no_body) {
    out.raw("\r\ncontent-length: ");
    out.number(*length);
  } else if (!no_body && !x.http_1_0) {
    out.raw("\r\ntransfer-encoding: chunked");
    chunked_ = true;
  }
  ends_by_close_ = !length && !no_body && !chunked_;
  keep_ = x.connection.head().keep_alive && (length || chunked_ || no_body) && x.connection.request_complete() &&
          !x.worker.draining() && head.status != 401;  // who guesses keys needs a connection for each
  if (!keep_) {
    out.raw("\r\nconnection: close");
  } else if (x.http_1_0) {
    out.raw("\r\nconnection: keep-alive");
  }
  write_own_headers(out, x);
  out.raw(head.extra);
  out.raw("\r\n");
  const auto size = static_cast<std::size_t>(out.end() - head_.data());
  assert(size <= head_.size());
  head_.resize(size);
}

bool Reply::send_whole_now(Exchange& x, const Head& head, std::string_view body) {
  write_head(x, head, body.size());
  if (x.head_method) body = {};
  const std::array<std::string_view, 2> pieces{head_, body};
  sent_ = connection_.write_now(pieces);
  head_sent_ = sent_ > 0;
  if (sent_ < head_.size() + body.size()) return false;
  bytes_ = body.size();
  return ended_ = true;
}

net::Task<bool> Reply::send_whole_rest(const Exchange& x, std::string_view body) {
  if (x.head_method) body = {};
  const std::array<std::string_view, 2> pieces{head_, body};
  const net::WriteEnd end = co_await connection_.write_rest(pieces, sent_, x.deadline);
  if (end != net::WriteEnd::done) co_return false;
  head_sent_ = true;
  bytes_ = body.size();
  ended_ = true;
  co_return true;
}

net::Task<bool> Reply::send_whole(Exchange& x, Head head, std::string_view body) {
  if (send_whole_now(x, head, body)) co_return true;
  const bool sent = co_await send_whole_rest(x, body);
  co_return sent;
}

void Reply::begin(Exchange& x, Head head, std::optional<std::uint64_t> length) {
  write_head(x, head, length);
}

std::string Reply::framed(std::string_view piece) const {
  std::string bytes;
  if (chunked_) net::append_chunk_head(bytes, piece.size());
  bytes += piece;
  if (chunked_) bytes += net::kChunkEnd;
  return bytes;
}

bool Reply::send_now(std::string_view framed, std::size_t payload) {
  const std::array<std::string_view, 2> pieces{std::string_view{head_}, framed};
  sent_ = connection_.write_now(pieces);
  head_sent_ = head_sent_ || sent_ > 0;
  pending_ += payload;
  if (sent_ < head_.size() + framed.size()) return false;
  bytes_ += std::exchange(pending_, 0);
  if (!head_.empty()) std::string{}.swap(head_);
  return true;
}

net::Task<bool> Reply::send_rest(const Exchange& x, std::string_view framed) {
  const std::array<std::string_view, 2> pieces{std::string_view{head_}, framed};
  const net::WriteEnd end = co_await connection_.write_rest(pieces, sent_, x.deadline);
  head_sent_ = true;
  std::string left;
  if (end == net::WriteEnd::done) {
    bytes_ += std::exchange(pending_, 0);
  } else if (!connection_.failed()) {
    left = head_;
    left.append(framed).erase(0, sent_);
  }
  head_ = std::move(left);
  co_return end == net::WriteEnd::done;
}

}  // namespace intragate::pipeline

// The server side of one client connection: receives requests strictly and within limits, one after the other
// (pipelined ones wait in the buffer), and writes what it is given. Owner: the connection's coroutine
// (pipeline/receive.cpp). Thread: one loop. Does not: know URLs, build answers, decide anything about the request's
// meaning. Rule: RFC 9112; limits of config::Listen.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/body_decoder.h"
#include "net/buffer.h"
#include "net/chunked.h"
#include "net/http_head.h"
#include "net/proxy_protocol.h"
#include "net/socket.h"

namespace intragate::net {

struct HttpLimits {
  std::size_t max_head = 32 * 1024;
  std::uint64_t max_body = 32 * 1024 * 1024;      // of a body that is held
  std::uint64_t max_upload = 1024 * 1024 * 1024;  // of one that is passed on while it comes
  Duration head = std::chrono::seconds{10};
  Duration body = std::chrono::seconds{30};
  Duration idle = std::chrono::seconds{75};
  Duration write = std::chrono::seconds{60};
};

class HttpConnection {
 public:
  // `headers` is a scratch vector shared by all connections of the loop.
  HttpConnection(Loop& loop, Socket socket, const HttpLimits& limits, std::vector<Header>& headers);

  // A PROXY protocol header in front of the first request, where the peer may send one. The client it names, if any.
  // Errors: malformed_request, request_timeout, client_gone.
  [[nodiscard]] Task<Result<std::optional<SocketAddress>>> receive_proxy_header();

  // TLS from here on; what was read already belongs to it. Under the deadline of a head. Errors: malformed_request,
  // request_timeout, client_gone; nothing can be said to the client then.
  [[nodiscard]] Task<Result<Unit>> receive_tls(std::shared_ptr<const TlsContext> context);
  // The certificate that the client has shown and proved to be its own; null: none.
  [[nodiscard]] const Certificate* peer_certificate() const;
  // What it was accepted by; null: no TLS.
  [[nodiscard]] const TlsContext* tls() const;
  [[nodiscard]] bool resumed() const;

  enum class Arrival : std::uint8_t { head, none };  // none: the client closed, or sent nothing for `idle`
  // Waits for the next request and parses its head. headers() is valid until the caller suspends.
  // Errors: malformed_request, head_too_large, request_timeout, client_gone (in the middle of a head). After an error
  // only write and finish may be called.
  [[nodiscard]] Task<Result<Arrival>> receive_head();
  // Between requests: bytes of the next one are there, or may be.
  [[nodiscard]] bool more_is_here() const { return !in_.empty() || socket_.may_read(); }
  [[nodiscard]] const RequestHead& head() const { return head_; }
  [[nodiscard]] std::span<const Header> headers() const { return headers_; }

  // Reads the whole body (after 100 Continue if it was expected). Stays valid until release_request.
  // Errors: body_too_large, malformed_request, request_timeout, client_gone.
  [[nodiscard]] Task<Result<Unit>> receive_body();
  // The common case without a wait: the whole body came with the head (or there is none). False: receive_body() is
  // needed.
  [[nodiscard]] bool take_body_here();
  [[nodiscard]] std::string_view body() const { return body_; }
  // Bytes of it that came, also when it broke off.
  [[nodiscard]] std::uint64_t body_bytes() const {
    return pieces_bytes_ > 0 ? pieces_bytes_ : body_complete_ ? body_.size() : owned_size_;
  }

  // Where a body stands that is read piece by piece.
  struct Pieces {
    std::optional<BodyDecoder> decoder;  // of its framing; none: nothing was read yet
    std::size_t given = 0;               // bytes of the buffer that the last piece took
    Duration waited{};                   // for the client: the time in which nobody wanted to read does not count
  };
  // Instead of receive_body: what came next, after a wait if need be; empty at the end. Valid until the next call, as
  // is what `at` refers to. Errors: as receive_body's; the bound is max_upload. `until`: request_timeout too.
  [[nodiscard]] Task<Result<std::string_view>> receive_piece(Pieces& at, Deadline until);
  // Adds a piece to body(). Errors: body_too_large (max_body), memory_full.
  [[nodiscard]] Result<Unit> hold(std::string_view piece);
  // True when the request is in memory to its last byte: only then can the connection be kept.
  [[nodiscard]] bool request_complete() const { return body_complete_; }
  // Forgets head and body and gives their memory back.
  void release_request();

  // Everything about to be sent goes through here. Short writes wait; a client that takes nothing for limits.write is
  // given up, and so is everyone at the deadline. `sent` bytes of the pieces went out already with write_now; what
  // follows is counted there, so that why an operator cancelled the wait can be told behind the rest.
  [[nodiscard]] Task<WriteEnd> write_rest(std::span<const std::string_view> pieces, std::size_t& sent,
                                          Deadline deadline = {});
  // Tries once, without waiting: how much went out; failed() tells a dead connection.
  std::size_t write_now(std::span<const std::string_view> pieces);
  [[nodiscard]] bool failed() const { return write_failed_; }
  // Bytes written that did not reach the client's system, as far as is known.
  [[nodiscard]] std::size_t unacknowledged() const { return socket_.unacknowledged(); }

  // FIN, then reads and drops what the client is still sending for a moment, so that it can read the last answer.
  [[nodiscard]] Task<void> finish();
  // Ends the connection so that the client sees a broken one, never a clean end.
  void abort();

  // Fired with client_gone when the client hangs up, from watch_hangup to ignore_hangup.
  [[nodiscard]] Cancellation& cancellation() { return cancellation_; }
  void watch_hangup() { socket_.on_hangup(loop_, &cancellation_); }
  void ignore_hangup() { socket_.on_hangup(loop_, nullptr); }
  [[nodiscard]] bool has_buffered() const { return !in_.empty(); }
  [[nodiscard]] Loop& loop() { return loop_; }

 private:
  enum class Fill : std::uint8_t { more, blocked, closed, timeout, cancelled };
  Fill fill_now(Buffer& into, std::size_t total);
  Task<Fill> fill(Buffer& into, std::size_t total, Deadline deadline);
  Result<Arrival> parse_head(std::size_t size);
  [[nodiscard]] Deadline body_deadline(TimePoint begun) const;
  void drop_line_end();
  Task<Result<Unit>> say_continue();
  Result<std::optional<std::string_view>> take_piece(Pieces& at);
  Task<Result<Unit>> receive_length_body();
  Task<Result<Unit>> receive_chunked_body();
  Result<bool> take_chunks(ChunkedDecoder& decoder);
  Result<Unit> append_body(std::string_view piece);
  Result<Unit> grow_body(std::size_t capacity);

  Loop& loop_;
  Socket socket_;
  HttpLimits limits_;
  std::vector<Header>& headers_;
  Buffer in_;      // the head stays where it is as long as the request: views of it are about
  Buffer chunks_;  // what a chunked body is read through, and what came behind it
  RequestHead head_;
  Cancellation cancellation_;
  std::size_t request_size_ = 0;  // bytes of in_ that belong to the request
  std::string_view body_;
  std::unique_ptr<char[]> owned_body_;
  Held owned_held_;
  std::size_t owned_capacity_ = 0;
  std::size_t owned_size_ = 0;
  std::uint64_t pieces_bytes_ = 0;
  bool body_complete_ = false;
  bool first_request_ = true;
  bool write_failed_ = false;
};

}  // namespace intragate::net

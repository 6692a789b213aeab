// The client side of one connection to a model: sends a request, reads the answer's head; the body is read by whoever
// relays it, through buffer() and fill(). Where the model speaks gRPC, a GrpcSession stands between these bytes and the
// socket's: requests and answers look the same. Owner: the exchange, or a pool while idle. Thread: one loop. Does not:
// resolve, connect, retry, follow redirects, decode the body.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/buffer.h"
#include "net/http_head.h"
#include "net/socket.h"

namespace intragate::net {

class GrpcSession;

enum class Speech : std::uint8_t { http_1_1, grpc };

class HttpClient {
 public:
  HttpClient(Loop& loop, Socket socket, Speech speech = Speech::http_1_1);
  ~HttpClient();  // a gRPC server is told that nobody wants the rest of an answer
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Sends head and body from byte `sent` on. Ends early, without error, when the model begins to answer before
  // everything is sent; the connection cannot be used again then. Errors: upstream_broke, upstream_timeout,
  // client_gone.
  [[nodiscard]] Task<Result<Unit>> send(std::span<const std::string_view> pieces, std::size_t sent, Until until);
  // More of a request whose beginning was sent. False: the model begins to answer, or has closed, before it took it.
  [[nodiscard]] Task<Result<bool>> send_more(std::span<const std::string_view> pieces, Until until);
  // Tries once, without waiting: how many bytes went out. All of them: send() is not needed.
  [[nodiscard]] std::size_t send_now(std::span<const std::string_view> pieces);

  // Reads the answer's head as far as it has come; nothing: more must come first (wait with readable()). Interim (1xx)
  // answers are skipped, at most 16. `headers` (a scratch vector) holds views of buffer() until the next fill or
  // consume. The head is consumed by drop_head(). Errors: upstream_broke (closed before a whole head; `detail` says
  // whether anything came), upstream_malformed.
  [[nodiscard]] std::optional<Result<ResponseHead>> head_now(std::vector<Header>& headers);
  // The same, waiting. Errors also: upstream_timeout, client_gone.
  [[nodiscard]] Task<Result<ResponseHead>> receive_head(Until until, std::vector<Header>& headers);
  void drop_head() { in_.consume(std::exchange(head_size_, 0)); }

  // The body's bytes as they came.
  [[nodiscard]] Buffer& buffer() { return in_; }
  enum class Fill : std::uint8_t { more, blocked, closed };
  // One read of at most `limit` bytes beyond what the buffer holds, without waiting.
  Fill fill(std::size_t limit);
  // Waits until fill makes sense. Gives an empty block back meanwhile.
  [[nodiscard]] Readiness readable(Until until);

  // Whether any byte of an answer has come: until then a reused connection may simply have died in the pool.
  [[nodiscard]] bool answered() const { return answered_; }
  // Whether every byte of the request went out.
  [[nodiscard]] bool request_sent() const { return request_sent_; }
  // An idle connection that was closed, or talks unasked.
  [[nodiscard]] bool stale() { return grpc_ == nullptr ? socket_.stale() : grpc_stale(); }
  // Ready for the next request.
  void reset();
  [[nodiscard]] bool open() const { return socket_.open(); }
  // The connection ended without TLS's own word for the end: somebody may have cut it, so no end of a body.
  [[nodiscard]] bool cut() const { return cut_; }
  // When the connection was made.
  [[nodiscard]] TimePoint opened() const { return opened_; }
  void close() {
    socket_.close();
    in_.release();
  }

 private:
  std::optional<Result<ResponseHead>> head_here(std::vector<Header>& headers);
  bool drop_interim();
  // Where it speaks gRPC.
  std::size_t begin_grpc(std::span<const std::string_view> pieces);
  Task<Result<Unit>> send_grpc(std::span<const std::string_view> pieces, Until until);
  bool flush_grpc();
  Fill fill_grpc(std::size_t limit);
  bool grpc_stale();

  Loop* loop_;
  TimePoint opened_;
  Socket socket_;
  Buffer in_;
  std::unique_ptr<GrpcSession> grpc_;  // null: HTTP/1.1
  std::size_t head_size_ = 0;
  std::size_t scanned_ = 0;  // of a head that is not whole yet
  std::uint8_t interim_ = 0;
  bool answered_ = false;
  bool request_sent_ = false;
  bool cut_ = false;
};

}  // namespace intragate::net

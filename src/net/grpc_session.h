// HTTP/2 on one connection to a gRPC server, one call at a time: takes a request as HTTP/1.1 writes it (a POST with its
// whole body), gives the bytes that go out, takes those that come in, and tells the answer as HTTP/1.1 (grpc_answer.h).
// Owner: an HttpClient. Thread: one loop. Does not: touch sockets, wait, look into messages, have two calls at once.
// Rule: RFC 9113 by libnghttp2, and besides: bounded heads, and bounded frames and bytes that carry nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/grpc_answer.h"

struct nghttp2_session;

namespace intragate::net {

class GrpcSession {
 public:
  enum class Scheme : std::uint8_t { http, https };
  explicit GrpcSession(Scheme scheme);
  ~GrpcSession();
  GrpcSession(const GrpcSession&) = delete;
  GrpcSession& operator=(const GrpcSession&) = delete;

  // The next call: the head is the first piece, and the pieces live until request_sent() or let_go(). false: it cannot
  // be sent here, and nothing else can. REQUIRES: idle().
  [[nodiscard]] bool begin(std::span<const std::string_view> pieces);
  // Nothing more of the request is sent, its end neither: its memory goes.
  void let_go() { body_.clear(); }

  // What has to go out, as far as the server's windows let it; sent() says how much of it went. The same bytes stay in
  // front until then.
  [[nodiscard]] std::string_view output();
  void sent(std::size_t size);
  // Whether all of the request has gone out.
  [[nodiscard]] bool request_sent() const { return taken_ && out_.empty(); }

  // Bytes from the server; what they say of the answer is appended. After an error nothing more comes.
  void take(std::string_view bytes, std::string& answer);
  // Whether the server has done something with the call, if only break it. False as long as it may not have seen it,
  // and where it says that it has not.
  [[nodiscard]] bool answered() const { return answer_.begun() || (broken_ && !refused_); }
  // No more of the answer will come, though it has not ended, or the connection is of no use at all.
  [[nodiscard]] bool broken() const { return broken_; }
  // Another call may begin here.
  [[nodiscard]] bool idle() const;
  void end_call();

  // Tells the server that nobody wants the answer, and that the connection ends; output() has it then.
  void cancel();

 private:
  struct Callbacks;
  void note_quiet_frame();
  void note_useful(std::size_t bytes);

  nghttp2_session* session_ = nullptr;
  GrpcAnswer answer_;
  std::string* into_ = nullptr;         // where the answer is told to, within take()
  std::vector<std::string_view> body_;  // what is not yet sent of it
  std::string out_;
  std::int32_t stream_ = 0;  // of the call; 0: none
  std::size_t head_bytes_ = 0;
  std::uint64_t quiet_ = 0;   // frames of this call that carried nothing
  std::uint64_t useful_ = 0;  // frames, or parts of them, that did
  std::uint64_t quiet_bytes_ = 0;
  std::uint64_t useful_bytes_ = 0;
  Scheme scheme_;
  bool taken_ = false;    // the whole request is in frames
  bool refused_ = false;  // the server says that it has not looked at the call
  bool broken_ = false;
};

}  // namespace intragate::net

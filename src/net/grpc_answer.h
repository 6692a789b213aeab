// The answer of a gRPC server, told as HTTP/1.1 tells answers, so that whoever reads those reads it: messages are the
// body (chunked), and the trailers are its last frame, as gRPC-Web has them (flag 0x80, "grpc-status: 0\r\n…"). A call
// that failed before its first message becomes a status that says whose fault it is, with the server's words as body.
// Owner: one call of a GrpcSession. Thread: any (pure). Does not: read frames of HTTP/2, look into messages.
// Source: grpc's PROTOCOL-HTTP2.md and statuscodes.md; PROTOCOL-WEB.md for the last frame.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace intragate::net {

class GrpcAnswer {
 public:
  // A field of the head or the trailers; what is not needed is dropped.
  void field(std::string_view name, std::string_view value);
  // The head is complete. An interim one (1xx) is forgotten.
  void head_ends();
  void body(std::string_view bytes, std::string& out);
  // The server has ended its answer, trailers included.
  void end(std::string& out);

  [[nodiscard]] bool begun() const { return begun_; }  // its head has come
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  void write_head(std::string& out);

  int status_ = 0;
  std::string type_;
  std::optional<int> code_;  // grpc-status
  std::string message_;
  bool begun_ = false;
  bool told_ = false;  // the head was written
  bool ended_ = false;
};

// The HTTP status with the meaning of a gRPC one that is not 0.
[[nodiscard]] int http_status(int grpc_status);

}  // namespace intragate::net

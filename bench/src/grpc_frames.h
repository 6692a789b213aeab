// A KServe v2 model over gRPC, as far as one gateway that asks it needs: HTTP/2 without TLS, one call at a time on a
// connection, answers that fit into the windows of flow control. Headers of requests are not read.
// Owner:   bench_model.  Thread: any; pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace intragate::bench::grpc {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\n";  // what a connection begins with …
inline constexpr std::string_view kPrefaceEnd = "SM\r\n\r\n";           // … and goes on, before its first frame

struct Frame {
  enum class Type : std::uint8_t { data = 0, headers = 1, reset = 3, settings = 4, ping = 6 };
  Type type = Type::data;
  bool flag = false;  // the first: the end of the stream, or an acknowledgement
  std::uint32_t stream = 0;
  std::string_view payload{};
};
// Takes the first frame off `bytes`; nothing: it is not there yet.
std::optional<Frame> next_frame(std::string_view& bytes);

void append_settings(std::string& out);
void append_acknowledgement(std::string& out, const Frame& frame);  // of settings or a ping
void append_window(std::string& out, std::size_t bytes);            // the connection may send so many more
void append_ready(std::string& out, std::uint32_t stream);          // the whole answer to ServerReady
void append_head(std::string& out, std::uint32_t stream);           // of a ModelStreamInfer …
void append_event(std::string& out, std::uint32_t stream, std::uint64_t number);  // … the text "#n " …
void append_end(std::string& out, std::uint32_t stream);                          // … and its trailers

}  // namespace intragate::bench::grpc

#include "net/grpc_answer.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"
#include "net/chunked.h"

namespace intragate::net {
namespace {

constexpr std::string_view kGrpc = "application/grpc";
constexpr std::size_t kLongestMessage = 4096;
constexpr std::size_t kLongestType = 256;
constexpr int kUnknown = 2;  // "no status was said"

int hex(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::size_t at = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// grpc-message is percent-encoded; controls, which could end a line, become spaces.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size() && out.size() < kLongestMessage; ++i) {
    char c = text[i];
    if (c == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      c = static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F ? ' ' : c;
  }
  return out;
}

int number(std::string_view text) {
  const std::optional<std::uint64_t> value = text::parse_unsigned(text);
  return value && *value <= std::numeric_limits<std::uint8_t>::max() * 4U ? static_cast<int>(*value) : -1;
}

void append_chunk(std::string& out, std::string_view bytes) {
  append_chunk_head(out, bytes.size());
  out += bytes;
  out += kChunkEnd;
}

}  // namespace

int http_status(int grpc_status) {
  //                                      CANCELLED … INVALID … NOT_FOUND … RESOURCE_EXHAUSTED … UNAUTHENTICATED
  constexpr std::array<int, 17> kStatuses{200, 503, 500, 400, 504, 404, 409, 403, 429,
                                          400, 409, 400, 501, 500, 503, 500, 401};
  const bool known = grpc_status > 0 && static_cast<std::size_t>(grpc_status) < kStatuses.size();
  return known ? kStatuses[static_cast<std::size_t>(grpc_status)] : kStatuses[kUnknown];
}

void GrpcAnswer::field(std::string_view name, std::string_view value) {
  if (name == ":status") status_ = std::max(number(value), 0);
  if (name == "content-type") type_ = value.substr(0, kLongestType);
  if (name == "grpc-status") code_ = number(value);
  if (name == "grpc-message") message_ = decoded(value);
}

void GrpcAnswer::head_ends() {
  const bool interim = status_ >= 100 && status_ < 200;
  if (interim) *this = GrpcAnswer{};
  begun_ = !interim;
}

// A head of something that is no gRPC server (a proxy's error page, say) is passed on as it is.
void GrpcAnswer::write_head(std::string& out) {
  if (told_) return;
  told_ = true;
  const bool without_body = status_ < 200 || status_ == 204 || status_ == 304 || status_ > 599;
  out += "HTTP/1.1 " + std::to_string(without_body ? 502 : status_) + " -\r\ncontent-type: ";
  out += type_.empty() ? std::string{kGrpc} : decoded(type_);
  out += "\r\ntransfer-encoding: chunked\r\n\r\n";
}

void GrpcAnswer::body(std::string_view bytes, std::string& out) {
  if (bytes.empty() || ended_) return;
  write_head(out);
  append_chunk(out, bytes);
}

void GrpcAnswer::end(std::string& out) {
  if (ended_) return;
  ended_ = true;
  const bool grpc = status_ == 200 && (type_.starts_with(kGrpc) || code_);
  const int code = code_.value_or(kUnknown);
  if (grpc && code != 0 && !told_) {
    out += "HTTP/1.1 " + std::to_string(http_status(code)) + " -\r\ncontent-type: text/plain\r\ncontent-length: ";
    out += std::to_string(message_.size()) + "\r\n\r\n" + message_;
    return;
  }
  write_head(out);
  if (grpc) {
    const std::string trailers = "grpc-status: " + std::to_string(code) + "\r\n" + "grpc-message: " + message_ + "\r\n";
    std::string frame{'\x80', '\0', '\0'};
    frame += static_cast<char>(trailers.size() >> 8);
    frame += static_cast<char>(trailers.size());
    append_chunk(out, frame + trailers);
  }
  out += kLastChunk;
}

}  // namespace intragate::net

#include "grpc_frames.h"

namespace intragate::bench::grpc {
namespace {

constexpr std::size_t kHead = 9;
constexpr std::uint8_t kWindowUpdate = 8;
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kEndHeaders = 4;

void append_big(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

void append_frame(std::string& out, std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
  append_big(out, payload.size(), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  append_big(out, stream, 4);
  out += payload;
}

// HPACK: a field that is not in any table, both texts short and as they are.
std::string field(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  out += static_cast<char>(name.size());
  out += name;
  out += static_cast<char>(value.size());
  return out.append(value);
}

void append_message(std::string& out, std::uint32_t stream, std::string_view message) {
  std::string framed(1, '\0');
  append_big(framed, message.size(), 4);
  append_frame(out, 0, 0, stream, framed.append(message));
}

// Protocol Buffers: a field of bytes, shorter than 16 KiB.
std::string part(char tag, std::string_view bytes) {
  std::string out(1, tag);
  if (bytes.size() >= 0x80) out += static_cast<char>(bytes.size() | 0x80);
  out += static_cast<char>(bytes.size() >= 0x80 ? bytes.size() >> 7 : bytes.size());
  return out.append(bytes);
}

std::string tensor(std::string_view name, std::string_view type) {
  return part(0x2a, part(0x0a, name) + part(0x12, type) + part(0x1a, "\x01\x01"));
}

}  // namespace

std::optional<Frame> next_frame(std::string_view& bytes) {
  if (bytes.size() < kHead) return std::nullopt;
  const auto byte = [bytes](std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); };
  const std::size_t size = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
  if (bytes.size() < kHead + size) return std::nullopt;
  Frame frame{static_cast<Frame::Type>(byte(3)), (byte(4) & 1) != 0, 0, bytes.substr(kHead, size)};
  for (std::size_t at = 5; at < kHead; ++at) frame.stream = frame.stream << 8 | byte(at);
  bytes.remove_prefix(kHead + size);
  return frame;
}

void append_settings(std::string& out) {
  append_frame(out, static_cast<std::uint8_t>(Frame::Type::settings), 0, 0, {});
}

void append_acknowledgement(std::string& out, const Frame& frame) {
  const bool ping = frame.type == Frame::Type::ping;
  append_frame(out, static_cast<std::uint8_t>(frame.type), 1, 0, ping ? frame.payload : std::string_view{});
}

void append_window(std::string& out, std::size_t bytes) {
  std::string size;
  append_big(size, bytes, 4);
  append_frame(out, kWindowUpdate, 0, 0, size);
}

void append_head(std::string& out, std::uint32_t stream) {
  const std::string fields = '\x88' + field("content-type", "application/grpc");  // 0x88: `:status: 200`
  append_frame(out, static_cast<std::uint8_t>(Frame::Type::headers), kEndHeaders, stream, fields);
}

void append_event(std::string& out, std::uint32_t stream, std::uint64_t number) {
  const std::string text = '#' + std::to_string(number) + ' ';
  std::string raw;
  for (int shift = 0; shift < 32; shift += 8) raw += static_cast<char>(text.size() >> shift);
  const std::string answer = part(0x0a, "ensemble") + part(0x12, "1") + tensor("cum_log_probs", "FP32") +
                             tensor("text_output", "BYTES") + part(0x32, std::string(4, '\0')) + part(0x32, raw + text);
  append_message(out, stream, part(0x12, answer));
}

void append_end(std::string& out, std::uint32_t stream) {
  append_frame(out, static_cast<std::uint8_t>(Frame::Type::headers), kEndHeaders | kEndStream, stream,
               field("grpc-status", "0"));
}

void append_ready(std::string& out, std::uint32_t stream) {
  append_head(out, stream);
  append_message(out, stream, "\x08\x01");
  append_end(out, stream);
}

}  // namespace intragate::bench::grpc

#include "net/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace intragate::net {
namespace {

constexpr std::string_view kText = "PROXY ";
constexpr std::string_view kBinary{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kMaxText = 107;        // with CR and LF
constexpr std::size_t kBinaryHead = 16;      // signature, version and command, family, length
constexpr std::size_t kMaxBinaryBody = 536;  // addresses and TLVs

ProxyHeader incomplete() {
  return {.state = ProxyHeader::State::incomplete};
}
ProxyHeader bad() {
  return {.state = ProxyHeader::State::bad};
}
ProxyHeader complete(std::size_t size, std::optional<SocketAddress> client) {
  return {.state = ProxyHeader::State::complete, .size = size, .client = client};
}

std::size_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}
std::size_t number_at(std::string_view bytes, std::size_t at) {
  return byte_at(bytes, at) * 256 + byte_at(bytes, at + 1);
}

// What stands before the next space, or all; takes both away.
std::string_view next_word(std::string_view& line) {
  const std::size_t size = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, size);
  line.remove_prefix(std::min(size + 1, line.size()));
  return word;
}

// A port without sign or leading zero.
std::optional<std::uint16_t> read_port(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint16_t port = 0;
  const std::from_chars_result read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
  return port;
}

// The address when `text` is one of that family, as a proxy must write it.
std::optional<IpAddress> read_address(std::string_view text, std::string_view family) {
  const bool has_colon = text.find(':') != std::string_view::npos;
  if (has_colon != (family == "TCP6")) return std::nullopt;
  const Result<IpAddress> address = IpAddress::parse(text);
  return address ? std::optional{*address} : std::nullopt;
}

// `line`: what stands between "PROXY " and CRLF; `size`: of the whole header.
ProxyHeader read_text_line(std::string_view line, std::size_t size) {
  const std::string_view family = next_word(line);
  if (family == "UNKNOWN") return complete(size, std::nullopt);  // and whatever follows, says the rule
  if (family != "TCP4" && family != "TCP6") return bad();
  const std::optional<IpAddress> source = read_address(next_word(line), family);
  const std::optional<IpAddress> destination = read_address(next_word(line), family);
  const std::optional<std::uint16_t> source_port = read_port(next_word(line));
  const std::optional<std::uint16_t> destination_port = read_port(line);
  if (!source || !destination || !source_port || !destination_port) return bad();
  return complete(size, SocketAddress{*source, *source_port});
}

ProxyHeader read_text(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kMaxText);
  const std::size_t line_end = window.find_first_of(std::string_view{"\r\n\0", 3});
  if (line_end == std::string_view::npos) return bytes.size() < kMaxText ? incomplete() : bad();
  if (window[line_end] != '\r') return bad();
  if (line_end + 1 == window.size()) return bytes.size() < kMaxText ? incomplete() : bad();
  if (window[line_end + 1] != '\n') return bad();
  return read_text_line(window.substr(kText.size(), line_end - kText.size()), line_end + 2);
}

template <std::size_t N>
std::array<std::uint8_t, N> bytes_at(std::string_view bytes, std::size_t at) {
  std::array<std::uint8_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) out[i] = static_cast<std::uint8_t>(bytes[at + i]);
  return out;
}

// `bytes` is the whole header of a proxied connection.
ProxyHeader read_binary_addresses(std::string_view bytes) {
  const std::size_t body = bytes.size() - kBinaryHead;
  switch (byte_at(bytes, 13)) {
    case 0x11:  // TCP over IPv4: two addresses, two ports
      if (body < 12) return bad();
      return complete(bytes.size(), SocketAddress{IpAddress::v4(bytes_at<4>(bytes, 16)),
                                                  static_cast<std::uint16_t>(number_at(bytes, 24))});
    case 0x21:  // TCP over IPv6
      if (body < 36) return bad();
      return complete(bytes.size(), SocketAddress{IpAddress::v6(bytes_at<16>(bytes, 16)),
                                                  static_cast<std::uint16_t>(number_at(bytes, 48))});
    case 0x00:  // unspecified
    case 0x31:  // a Unix stream socket: nobody's address
      return complete(bytes.size(), std::nullopt);
    default:  // datagrams, families that do not exist
      return bad();
  }
}

ProxyHeader read_binary(std::string_view bytes) {
  if (bytes.size() > 12 && byte_at(bytes, 12) != 0x20 && byte_at(bytes, 12) != 0x21) return bad();
  if (bytes.size() < kBinaryHead) return incomplete();
  const std::size_t body = number_at(bytes, 14);
  if (body > kMaxBinaryBody) return bad();
  if (bytes.size() < kBinaryHead + body) return incomplete();
  const bool local = byte_at(bytes, 12) == 0x20;  // the proxy itself, e.g. its health check; the rest has no meaning
  if (local) return complete(kBinaryHead + body, std::nullopt);
  return read_binary_addresses(bytes.substr(0, kBinaryHead + body));
}

bool agree(std::string_view bytes, std::string_view signature) {
  const std::size_t size = std::min(bytes.size(), signature.size());
  return bytes.substr(0, size) == signature.substr(0, size);
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  const bool text = agree(bytes, kText);
  const bool binary = agree(bytes, kBinary);
  if (!text && !binary) return {.state = ProxyHeader::State::absent};
  if (bytes.size() < (text ? kText : kBinary).size()) return incomplete();
  return text ? read_text(bytes) : read_binary(bytes);
}

}  // namespace intragate::net

// PROXY headers: the verdict never changes as more bytes come, and a header found lies within its bounds.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "net/proxy_protocol.h"

namespace {

using namespace intragate;
using namespace intragate::net;
using fuzz::require;
using State = ProxyHeader::State;

constexpr std::size_t kLongest = 16 + 536;

void check_text(std::string_view bytes, const ProxyHeader& header) {
  require(header.size <= 107, "a text header is short");
  require(bytes.substr(header.size - 2, 2) == "\r\n", "and ends with its line");
  if (!header.client) return;
  // The header written again from what was understood, with the client on both sides.
  const SocketAddress& client = *header.client;
  if (client.ip.is_v4() && !bytes.starts_with("PROXY TCP4")) return;  // a mapped address, written in the other family
  const std::string ip = client.ip.text();
  const std::string port = std::to_string(client.port);
  const std::string again =
      (client.ip.is_v4() ? "PROXY TCP4 " : "PROXY TCP6 ") + ip + ' ' + ip + ' ' + port + ' ' + port + "\r\n";
  const ProxyHeader read = read_proxy_header(again);
  require(read.state == State::complete && read.client == header.client, "what was written down says the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const ProxyHeader header = read_proxy_header(bytes);
  require(header.state != State::incomplete || size < kLongest, "no more bytes than that are needed");
  require(header.client == std::nullopt || header.state == State::complete, "no client without a header");
  if (header.state == State::complete) {
    require(header.size >= 15 && header.size <= size && header.size <= kLongest, "the header lies within the bytes");
    if (bytes.front() == 'P') check_text(bytes, header);
  }
  bool decided = false;
  for (std::size_t shorter = 0; shorter <= std::min(size, kLongest + 1); ++shorter) {
    const std::string prefix{bytes.substr(0, shorter)};  // a copy, so that a sanitizer sees every read beyond
    const ProxyHeader earlier = read_proxy_header(prefix);
    require(!decided || earlier.state != State::incomplete, "a verdict is never taken back");
    decided = earlier.state != State::incomplete;
    require(!decided || earlier.state == header.state, "nor changed");
    require(earlier.size == (earlier.state == State::complete ? header.size : 0), "nor its size");
    require(!decided || earlier.client == header.client, "nor its client");
  }
  return 0;
}

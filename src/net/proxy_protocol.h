// Reads the PROXY protocol header (v1 text, v2 binary) that a trusted proxy puts in front of a connection.
// Owner: the caller. Thread: any (pure). Does not: decide whom to trust. Rule: HAProxy's proxy-protocol.txt,
// sections 2.1-2.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/address.h"

namespace intragate::net {

struct ProxyHeader {
  enum class State : std::uint8_t { absent, incomplete, complete, bad } state = State::absent;
  std::size_t size = 0;                   // complete: bytes to skip
  std::optional<SocketAddress> client{};  // nothing for LOCAL and UNKNOWN: the peer itself speaks
};

// Looks at the first bytes of a connection. `absent` as soon as they cannot be a PROXY header; at most 107 bytes (v1)
// or 16 + 536 (v2, longer is bad) are ever needed.
[[nodiscard]] ProxyHeader read_proxy_header(std::string_view bytes);

}  // namespace intragate::net

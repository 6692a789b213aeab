// What counts as one source of trouble: an IPv4 address, or the /64 of an IPv6 one, because whoever has one such
// address has 2^64 of them. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/address.h"

namespace intragate::auth {

using Network = std::array<std::uint8_t, 16>;

[[nodiscard]] inline Network network_of(const IpAddress& address) {
  Network bytes = address.bytes();
  if (!address.is_v4()) std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return bytes;
}

}  // namespace intragate::auth

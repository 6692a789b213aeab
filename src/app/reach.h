// Everything that a gateway with this configuration would open a connection to, for whoever writes the firewall's
// rules. Whatever comes to connect elsewhere one day belongs into destinations(). Owner: the caller. Thread: main;
// blocking (asks the name service). Does not: connect to anything but the name service.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace intragate::app {

struct Destination {
  std::string what;  // "model qwen, endpoint 1"
  std::string host;  // as configured
  std::uint16_t port = 0;
};
[[nodiscard]] std::vector<Destination> destinations(const config::Config& config);

struct ReachedAddress {
  SocketAddress address;
  bool allowed = false;
};
struct Reach {
  Destination to;
  std::vector<ReachedAddress> addresses;  // empty: the name has none
  std::string failure;                    // then why
};
[[nodiscard]] std::vector<Reach> resolve_all(const std::vector<Destination>& destinations, const AddressList& egress);

// The servers that the C library asks for names, from the text of resolv.conf: the only ones outside of `egress`.
[[nodiscard]] std::vector<std::string> name_servers(std::string_view resolv_conf);

}  // namespace intragate::app

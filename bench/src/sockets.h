// The few socket and clock calls that the benchmark's two programs share.
// Owner:   bench only; nothing here comes from src/, so that a fault there cannot hide in the measuring tools.
// Thread:  any; no state.
// Does not: resolve names (IPv4 literals only), speak TLS (wire.h does).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace intragate::bench {

using Nanos = std::uint64_t;

struct Address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

// Monotonic time in nanoseconds.
Nanos now();

// "127.0.0.1:8080" or "8080"; nothing when it is neither.
std::optional<Address> parse_address(const std::string& text);

// A non-blocking listener with a backlog of 4,096 (the kernel caps it at net.core.somaxconn): a shorter one drops
// SYNs when 2,000 clients come at once, and they come back a second later. Returns -1 with errno set.
int listen_on(const Address& address);

// The port that the kernel chose for a listener.
std::uint16_t port_of(int fd);

// A non-blocking connection in progress, TCP_NODELAY set. Returns -1 with errno set.
int connect_to(const Address& address);

// Raises the limit of open files as far as this process may; returns what it is afterwards.
std::uint64_t raise_file_limit();

}  // namespace intragate::bench

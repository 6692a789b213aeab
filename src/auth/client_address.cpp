#include "auth/client_address.h"

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace intragate::auth {
namespace {

constexpr std::size_t kMostEntries = 64;
constexpr std::size_t kLongestEntry = 64;  // an IPv6 address with brackets and port has 47

std::optional<IpAddress> address_of(std::string_view entry) {
  if (entry.empty() || entry.size() > kLongestEntry) return std::nullopt;
  if (const auto plain = IpAddress::parse(entry)) return *plain;
  // `localhost:1` is an address to SocketAddress, but nothing that a proxy writes: those begin with a digit or a
  // bracket.
  if (!text::is_digit(entry.front()) && entry.front() != '[') return std::nullopt;
  if (entry.front() == '[' && entry.back() == ']') entry = entry.substr(1, entry.size() - 2);
  if (const auto bare = IpAddress::parse(entry)) return *bare;
  if (const auto with_port = SocketAddress::parse(entry)) return with_port->ip;
  return std::nullopt;
}

// Takes the last entry off `line`.
std::string_view take_last(std::string_view& line) {
  const auto comma = line.rfind(',');
  const std::string_view entry = line.substr(comma == std::string_view::npos ? 0 : comma + 1);
  line = line.substr(0, comma == std::string_view::npos ? 0 : comma);
  return text::trim(entry);
}

}  // namespace

IpAddress client_address(const IpAddress& peer, std::span<const std::string_view> forwarded,
                         const AddressList& trusted_proxies) {
  IpAddress client = peer;  // the last hop known to be true
  std::size_t looked_at = 0;
  for (std::size_t i = forwarded.size(); i > 0; --i) {
    std::string_view line = text::trim(forwarded[i - 1]);
    while (!line.empty()) {
      if (!trusted_proxies.contains(client) || ++looked_at > kMostEntries) return client;
      const std::optional<IpAddress> before = address_of(take_last(line));
      if (!before) return client;
      client = *before;
    }
  }
  return client;
}

}  // namespace intragate::auth

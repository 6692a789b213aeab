// X-Forwarded-For comes from strangers. Whatever it says, the client address is the peer or an address that stands in
// the header, and never one that is left of an address no trusted proxy has.
#include <cstdint>
#include <string_view>
#include <vector>

#include "auth/client_address.h"
#include "fuzz/require.h"

using namespace intragate;

namespace {

IpAddress must(std::string_view text) {
  auto address = IpAddress::parse(text);
  fuzz::require(static_cast<bool>(address), "the target's own address parses");
  return *address;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const AddressList trusted{{*Cidr::parse("10.0.0.0/8"), *Cidr::parse("fd00::/16")}};
  static const IpAddress proxy = must("10.0.0.1");
  static const IpAddress stranger = must("192.0.2.1");
  static const IpAddress last = must("203.0.113.9");

  // Lines are separated by '\n'.
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }

  fuzz::require(auth::client_address(stranger, lines, trusted) == stranger, "an untrusted peer is the client");
  fuzz::require(auth::client_address(proxy, lines, AddressList{}) == proxy, "no trust, no header");
  const IpAddress client = auth::client_address(proxy, lines, trusted);
  if (text.find_first_of("0123456789:") == std::string_view::npos)
    fuzz::require(client == proxy, "no address, no change");

  lines.push_back("203.0.113.9");
  fuzz::require(auth::client_address(proxy, lines, trusted) == last, "what stands left of the client does not count");
  lines.back() = "unknown";
  fuzz::require(auth::client_address(proxy, lines, trusted) == proxy, "what stands left of garbage does not count");
  return 0;
}

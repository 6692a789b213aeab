// Addresses and ranges: agrees with the system's inet_pton and inet_ntop, and reads back what it writes.
#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/address.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;

// What inet_pton makes of the text, IPv4 mapped; false: nothing.
bool system_reads(const std::string& text, std::array<std::uint8_t, 16>& into) {
  if (text.find('\0') != std::string::npos) return false;
  into = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  if (inet_pton(AF_INET, text.c_str(), into.data() + 12) == 1) return true;
  return inet_pton(AF_INET6, text.c_str(), into.data()) == 1;
}

void check_address(const std::string& text) {
  const Result<IpAddress> ours = IpAddress::parse(text);
  std::array<std::uint8_t, 16> theirs{};
  fuzz::require(bool(ours) == system_reads(text, theirs), "agrees with inet_pton on what an address is");
  if (!ours) return;
  fuzz::require(ours->bytes() == theirs, "agrees with inet_pton on its bytes");
  const Result<IpAddress> again = IpAddress::parse(ours->text());
  fuzz::require(again && *again == *ours, "reads back what it writes");
  std::array<char, INET6_ADDRSTRLEN> canonical{};
  if (ours->is_v4()) {
    inet_ntop(AF_INET, ours->bytes().data() + 12, canonical.data(), canonical.size());
  } else {
    inet_ntop(AF_INET6, ours->bytes().data(), canonical.data(), canonical.size());
    if (std::strchr(canonical.data(), '.') != nullptr) return;  // ::1.2.3.4, which we write ::102:304
  }
  fuzz::require(ours->text() == canonical.data(), "agrees with inet_ntop");
}

void check_range(const std::string& text) {
  const Result<Cidr> range = Cidr::parse(text);
  if (!range) return;
  fuzz::require(range->prefix >= 0 && range->prefix <= 128 && range->contains(range->network),
                "a range holds its first address");
  const Result<Cidr> again = Cidr::parse(range->text());
  fuzz::require(again && *again == *range, "a range reads back");
  auto bytes = range->network.bytes();
  for (int bit = 0; bit < 128; ++bit) {  // one flipped bit leaves the range exactly when it belongs to the prefix
    const auto mask = static_cast<std::uint8_t>(0x80 >> bit % 8);
    bytes[static_cast<std::size_t>(bit / 8)] ^= mask;
    fuzz::require(range->contains(IpAddress::v6(bytes)) == (bit >= range->prefix), "the prefix decides");
    bytes[static_cast<std::size_t>(bit / 8)] ^= mask;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(data), size};
  check_address(text);
  check_range(text);
  const Result<SocketAddress> socket = SocketAddress::parse(text);
  if (socket) {
    const Result<SocketAddress> again = SocketAddress::parse(socket->text());
    fuzz::require(again && *again == *socket, "a socket address reads back");
  }
  if (size == 16) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), data, bytes.size());
    check_address(IpAddress::v6(bytes).text());
    fuzz::require(*IpAddress::parse(IpAddress::v6(bytes).text()) == IpAddress::v6(bytes),
                  "every address can be written");
  }
  return 0;
}

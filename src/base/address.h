// IP addresses, ports and address lists (CIDR). Plain values; text in, text out. Does not: resolve names, open sockets.
// Rule: RFC 4291 (IPv6 text), RFC 5952 (its canonical form), RFC 4632 (CIDR), RFC 1918 / 4193 / 6598 (private ranges).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace intragate {

// An IPv4 or IPv6 address. IPv4 is kept as IPv4-mapped IPv6, so that `::ffff:10.0.0.1` and `10.0.0.1` are the same
// address.
class IpAddress {
 public:
  constexpr IpAddress() = default;  // ::
  static IpAddress v4(std::array<std::uint8_t, 4> bytes);
  static IpAddress v6(std::array<std::uint8_t, 16> bytes);
  // Errors: invalid_request when `text` is not an address (no brackets, no port, no zone).
  static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_loopback() const;                                             // 127.0.0.0/8 or ::1
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }  // IPv4 mapped: last four
  [[nodiscard]] std::string text() const;                                             // 10.0.0.1 or 2001:db8::1
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// An address and a port, as sockets have them. Text form `10.0.0.1:80`, `[::1]:80`.
struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;
  // Errors: invalid_request. `localhost:80` is accepted as 127.0.0.1:80; other names are not.
  static Result<SocketAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

// One range, `10.0.0.0/8` or a single address.
struct Cidr {
  IpAddress network;
  int prefix = 128;  // bits, counted on the IPv4-mapped form: 10.0.0.0/8 is 104
  // Errors: invalid_request: not an address, prefix out of range, or host bits set (the message names the range meant).
  static Result<Cidr> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

// A list of ranges. Empty means nobody.
class AddressList {
 public:
  AddressList() = default;
  explicit AddressList(std::vector<Cidr> ranges) : ranges_{std::move(ranges)} {}
  // Loopback, RFC 1918, RFC 6598 (100.64/10), link-local and unique local IPv6: what "private" means everywhere.
  static const AddressList& private_ranges();
  // Every address there is.
  static const AddressList& any();

  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] const std::vector<Cidr>& ranges() const { return ranges_; }
  friend bool operator==(const AddressList&, const AddressList&) = default;

 private:
  std::vector<Cidr> ranges_;
};

}  // namespace intragate

#include "base/address.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "base/text.h"

namespace intragate {
namespace {

constexpr std::size_t kMappedBytes = 12;  // ::ffff:0:0/96 stands before an IPv4 address
constexpr int kMappedBits = 96;
constexpr std::size_t kGroups = 8;  // 16-bit groups of an IPv6 address
constexpr std::size_t kLongestAddress = 45;

using V4 = std::array<std::uint8_t, 4>;
using V6 = std::array<std::uint8_t, 16>;
using Groups = std::array<std::uint16_t, kGroups>;

Error refuse(std::string_view text, std::string_view what) {
  return make_error(Code::invalid_request, text::quoted(text) + " is not " + std::string{what});
}

// Four decimal numbers 0 … 255 without leading zeros (which some readers take for octal), RFC 6943 section 3.1.1.
std::optional<V4> parse_v4(std::string_view text) {
  V4 bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t dot = i + 1 < bytes.size() ? text.find('.') : text.size();
    if (dot == std::string_view::npos || dot == 0 || dot > 3) return std::nullopt;
    const std::string_view digits = text.substr(0, dot);
    const std::optional<std::uint64_t> value = text::parse_unsigned(digits);
    const bool leading_zero = digits.size() > 1 && digits.front() == '0';
    if (!value || *value > 255 || leading_zero) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*value);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return bytes;
}

// One to four hexadecimal digits.
std::optional<std::uint16_t> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    const int digit = text::hex_value(c);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return static_cast<std::uint16_t>(value);
}

// The colon-separated groups of one side of `::` (or of a whole address). Only the last may be an IPv4 address, and
// only at the end of the address. Nothing when a group is wrong or there are more than eight.
enum class Tail : std::uint8_t { groups_only, may_be_v4 };
std::optional<std::vector<std::uint16_t>> parse_groups(std::string_view text, Tail tail) {
  std::vector<std::uint16_t> groups;
  while (!text.empty()) {
    if (groups.size() >= kGroups) return std::nullopt;
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (!last && colon + 1 == text.size()) return std::nullopt;  // a colon with nothing behind it
    if (last && tail == Tail::may_be_v4 && part.find('.') != std::string_view::npos) {
      const std::optional<V4> v4 = parse_v4(part);
      if (!v4) return std::nullopt;
      groups.push_back(static_cast<std::uint16_t>((*v4)[0] << 8 | (*v4)[1]));
      groups.push_back(static_cast<std::uint16_t>((*v4)[2] << 8 | (*v4)[3]));
      break;
    }
    const std::optional<std::uint16_t> group = parse_group(part);
    if (!group) return std::nullopt;
    groups.push_back(*group);
    if (last) break;
    text.remove_prefix(colon + 1);
  }
  if (groups.size() > kGroups) return std::nullopt;
  return groups;
}

V6 to_bytes(const Groups& groups) {
  V6 bytes{};
  for (std::size_t i = 0; i < kGroups; ++i) {
    bytes[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    bytes[2 * i + 1] = static_cast<std::uint8_t>(groups[i] & 0xFF);
  }
  return bytes;
}

std::optional<V6> parse_v6(std::string_view text) {
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto front = parse_groups(text.substr(0, gap), has_gap ? Tail::groups_only : Tail::may_be_v4);
  if (!front) return std::nullopt;
  Groups groups{};
  std::copy(front->begin(), front->end(), groups.begin());
  if (!has_gap) return front->size() == kGroups ? std::optional{to_bytes(groups)} : std::nullopt;

  const auto back = parse_groups(text.substr(gap + 2), Tail::may_be_v4);
  if (!back || front->size() + back->size() >= kGroups) return std::nullopt;  // `::` stands for at least one group
  std::copy(back->rbegin(), back->rend(), groups.rbegin());
  return to_bytes(groups);
}

void append_hex(std::string& out, unsigned value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  bool started = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const unsigned digit = value >> shift & 0xFU;
    started = started || digit != 0 || shift == 0;
    if (started) out += kDigits[digit];
  }
}

struct Run {
  std::size_t first = 0;
  std::size_t length = 0;
};

// What `::` shortens: the first longest run of zero groups, if it has at least two (RFC 5952 section 4.2).
Run longest_zero_run(const Groups& groups) {
  Run best;
  Run run;
  for (std::size_t i = 0; i < kGroups; ++i) {
    if (groups[i] != 0) {
      run = {};
      continue;
    }
    if (run.length == 0) run.first = i;
    ++run.length;
    if (run.length > best.length) best = run;
  }
  return best.length >= 2 ? best : Run{kGroups, 0};
}

std::string v6_text(const V6& bytes) {
  Groups groups{};
  for (std::size_t i = 0; i < kGroups; ++i)
    groups[i] = static_cast<std::uint16_t>(bytes[2 * i] << 8 | bytes[2 * i + 1]);
  const Run gap = longest_zero_run(groups);
  std::string out;
  for (std::size_t i = 0; i < kGroups;) {
    if (i == gap.first) {
      out += "::";
      i += gap.length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, groups[i]);
    ++i;
  }
  return out;
}

V6 masked(V6 bytes, int prefix) {
  for (int i = 0; i < 16; ++i) {
    const int keep = std::clamp(prefix - 8 * i, 0, 8);
    bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xFF00U >> keep);
  }
  return bytes;
}

Cidr range(std::string_view text) {
  Result<Cidr> cidr = Cidr::parse(text);
  assert(cidr);
  return *cidr;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const std::optional<std::uint64_t> port = text::parse_unsigned(text);
  if (!port || *port > 65535 || text.size() > 5) return std::nullopt;
  return static_cast<std::uint16_t>(*port);
}

}  // namespace

IpAddress IpAddress::v4(std::array<std::uint8_t, 4> bytes) {
  IpAddress address;
  address.bytes_[10] = address.bytes_[11] = 0xFF;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin() + kMappedBytes);
  return address;
}

IpAddress IpAddress::v6(std::array<std::uint8_t, 16> bytes) {
  IpAddress address;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > kLongestAddress) return refuse(text, "an IP address");
  if (const std::optional<V4> bytes = parse_v4(text)) return v4(*bytes);
  if (const std::optional<V6> bytes = parse_v6(text)) return v6(*bytes);
  return refuse(text, "an IP address");
}

bool IpAddress::is_v4() const {
  const auto mapped = bytes_.begin() + 10;
  return std::all_of(bytes_.begin(), mapped, [](std::uint8_t b) { return b == 0; }) && mapped[0] == 0xFF &&
         mapped[1] == 0xFF;
}

bool IpAddress::is_loopback() const {
  constexpr V6 kOne{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == kOne || (is_v4() && bytes_[kMappedBytes] == 127);
}

std::string IpAddress::text() const {
  if (!is_v4()) return v6_text(bytes_);
  std::string out;
  for (std::size_t i = kMappedBytes; i < bytes_.size(); ++i) {
    if (!out.empty()) out += '.';
    out += std::to_string(bytes_[i]);
  }
  return out;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  constexpr std::string_view kWanted = "an address with a port, such as 127.0.0.1:8080 or [::1]:8080";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse(text, kWanted);
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  if (!port) return refuse(text, kWanted);

  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host == "localhost" && !bracketed) host = "127.0.0.1";
  const bool colons = host.find(':') != std::string_view::npos;
  if (colons != bracketed) return refuse(text, kWanted);  // IPv6 in brackets, everything else without
  Result<IpAddress> ip = IpAddress::parse(host);
  if (!ip) return refuse(text, kWanted);
  return SocketAddress{*ip, *port};
}

std::string SocketAddress::text() const {
  const std::string host = ip.is_v4() ? ip.text() : '[' + ip.text() + ']';
  return host + ':' + std::to_string(port);
}

Result<Cidr> Cidr::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  Result<IpAddress> ip = IpAddress::parse(host);
  if (!ip) return refuse(text, "an address range such as 10.0.0.0/8 or fd00::/8");
  if (slash == std::string_view::npos) return Cidr{*ip, 128};

  const int base = host.find(':') == std::string_view::npos ? kMappedBits : 0;
  const std::string_view digits = text.substr(slash + 1);
  const std::optional<std::uint64_t> bits = text::parse_unsigned(digits);
  const bool leading_zero = digits.size() > 1 && digits.front() == '0';
  const std::uint64_t limit = static_cast<std::uint64_t>(128 - base);
  if (!bits || *bits > limit || leading_zero) {
    return refuse(text, "an address range: the number behind `/` goes from 0 to " + std::to_string(limit));
  }
  const Cidr cidr{*ip, base + static_cast<int>(*bits)};
  const Cidr meant{IpAddress::v6(masked(ip->bytes(), cidr.prefix)), cidr.prefix};
  if (meant == cidr) return cidr;
  return make_error(Code::invalid_request,
                    text::quoted(text) + " names one address inside a range; the range is `" + meant.text() + "`");
}

bool Cidr::contains(const IpAddress& address) const {
  const auto& wanted = network.bytes();
  const auto& bytes = address.bytes();
  const auto whole = static_cast<std::size_t>(prefix / 8);
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole), wanted.begin())) return false;
  const int rest = prefix % 8;
  return rest == 0 || ((bytes[whole] ^ wanted[whole]) & (0xFF00U >> rest) & 0xFFU) == 0;
}

std::string Cidr::text() const {
  const bool v4 = network.is_v4() && prefix >= kMappedBits;
  return network.text() + '/' + std::to_string(v4 ? prefix - kMappedBits : prefix);
}

const AddressList& AddressList::private_ranges() {
  static const AddressList list{{
      range("127.0.0.0/8"), range("::1"),                                    // loopback
      range("10.0.0.0/8"), range("172.16.0.0/12"), range("192.168.0.0/16"),  // RFC 1918
      range("100.64.0.0/10"),                                                // RFC 6598
      range("fe80::/10"), range("fc00::/7"),                                 // link-local; unique local, RFC 4193
      // Not 169.254.0.0/16: nobody serves models there, but clouds keep their machines' credentials at 169.254.169.254.
  }};
  return list;
}

const AddressList& AddressList::any() {
  static const AddressList list{{Cidr{IpAddress{}, 0}}};
  return list;
}

bool AddressList::contains(const IpAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Cidr& cidr) { return cidr.contains(address); });
}

}  // namespace intragate

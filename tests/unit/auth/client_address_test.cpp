#include "auth/client_address.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace intragate::auth {
namespace {

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

const AddressList& proxies() {
  static const AddressList list{{*Cidr::parse("10.0.0.0/24"), *Cidr::parse("fd00::/64")}};
  return list;
}

std::string client(std::string_view peer, const std::vector<std::string_view>& forwarded) {
  return client_address(ip(peer), forwarded, proxies()).text();
}

TEST(ClientAddress, IsThePeerWhenNoProxyIsTrusted) {
  EXPECT_EQ(client("192.168.1.1", {"1.2.3.4"}), "192.168.1.1");
  EXPECT_EQ(client_address(ip("10.0.0.1"), {}, AddressList{}).text(), "10.0.0.1");
}

TEST(ClientAddress, IsTheRightMostThatNoTrustedProxyHas) {
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6, 1.2.3.4"}), "1.2.3.4");
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6, 1.2.3.4, 10.0.0.7"}), "1.2.3.4");
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6", "1.2.3.4", "10.0.0.7"}), "1.2.3.4");
  EXPECT_EQ(client("10.0.0.1", {"1.2.3.4,10.0.0.7", "10.0.0.8 ,\t10.0.0.9"}), "1.2.3.4");
  EXPECT_EQ(client("::ffff:10.0.0.1", {"1.2.3.4"}), "1.2.3.4");
}

TEST(ClientAddress, IsTheFirstHopWhenAllAreTrusted) {
  EXPECT_EQ(client("10.0.0.1", {"10.0.0.3, 10.0.0.2"}), "10.0.0.3");
  EXPECT_EQ(client("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(client("10.0.0.1", {"", " "}), "10.0.0.1");
}

TEST(ClientAddress, NeverBelievesWhatStandsLeftOfGarbage) {
  for (const std::string_view garbage :
       {"unknown", "_hidden", "1.2.3", "1.2.3.4.5", "10.0.0.0/8", "example.org", "localhost", "localhost:1",
        "1.2.3.4:x", "[::1", "::1]:80", "\"1.2.3.4\"", "0x0a000001", "010.0.0.1", "1.2.3.4 5.6.7.8", "fe80::1%eth0",
        "[fe80::1%eth0]:80"}) {
    EXPECT_EQ(client("10.0.0.1", {"6.6.6.6", garbage, "10.0.0.2"}), "10.0.0.2") << garbage;
  }
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6,,10.0.0.2"}), "10.0.0.2");
  EXPECT_EQ(client("10.0.0.1", {"6.6.6.6," + std::string(100, ' ') + std::string(100, '1')}), "10.0.0.1");
}

TEST(ClientAddress, ReadsEntriesWithPorts) {
  EXPECT_EQ(client("10.0.0.1", {"1.2.3.4:4711"}), "1.2.3.4");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]:4711"}), "2001:db8::1");
  EXPECT_EQ(client("10.0.0.1", {"[2001:db8::1]"}), "2001:db8::1");
  EXPECT_EQ(client("fd00::5", {"2001:db8::1"}), "2001:db8::1");
}

TEST(ClientAddress, LooksAtABoundedNumberOfEntries) {
  std::string many = "6.6.6.6";
  for (int i = 0; i < 10'000; ++i) many += ",10.0.0.2";
  EXPECT_EQ(client("10.0.0.1", {many}), "10.0.0.2");
}

}  // namespace
}  // namespace intragate::auth

#include "base/address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <random>

namespace intragate {
namespace {

IpAddress ip(std::string_view text) {
  Result<IpAddress> parsed = IpAddress::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : IpAddress{};
}

Cidr cidr(std::string_view text) {
  Result<Cidr> parsed = Cidr::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Cidr{};
}

TEST(IpAddress, ReadsIPv4Strictly) {
  EXPECT_EQ(ip("10.0.0.1"), IpAddress::v4({10, 0, 0, 1}));
  EXPECT_EQ(ip("255.255.255.255"), IpAddress::v4({255, 255, 255, 255}));
  EXPECT_TRUE(ip("0.0.0.0").is_v4());
  for (const char* wrong : {"", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4",
                            "1..3.4", "1.2.3.", ".1.2.3", "0x7f.0.0.1", "+1.2.3.4", "1.2.3.1000", "１.2.3.4"}) {
    EXPECT_FALSE(IpAddress::parse(wrong)) << wrong;
  }
}

TEST(IpAddress, ReadsIPv6InEveryLegalForm) {
  EXPECT_EQ(ip("::"), IpAddress{});
  EXPECT_EQ(ip("2001:DB8::1"), ip("2001:db8:0:0:0:0:0:1"));
  EXPECT_EQ(ip("1::"), ip("1:0:0:0:0:0:0:0"));
  EXPECT_EQ(ip("::8"), ip("0:0:0:0:0:0:0:8"));
  EXPECT_EQ(ip("1:2:3:4:5:6:7::"), ip("1:2:3:4:5:6:7:0"));
  EXPECT_EQ(ip("64:ff9b::10.0.0.1"), ip("64:ff9b::a00:1"));
  EXPECT_EQ(ip("1:2:3:4:5:6:1.2.3.4"), ip("1:2:3:4:5:6:102:304"));
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const char* wrong : {":",
                            ":::",
                            "::1::",
                            "1:2:3:4:5:6:7",
                            "1:2:3:4:5:6:7:8:9",
                            "1:2:3:4:5:6:7:8::",
                            "::1:2:3:4:5:6:7:8",
                            "1:2:3:4::5:6:7:8",
                            "12345::",
                            "g::",
                            ":1::",
                            "1:",
                            "::1:",
                            "1.2.3.4::",
                            "::1.2.3.4:5",
                            "::1.2.3",
                            "::01.2.3.4",
                            "fe80::1%eth0",
                            "[::1]",
                            "1:2:3:4:5:6:7:1.2.3.4",
                            "::ffff:1.2.3.4.5",
                            "localhost",
                            "::1/128"}) {
    EXPECT_FALSE(IpAddress::parse(wrong)) << wrong;
  }
  EXPECT_FALSE(IpAddress::parse(std::string(1'000'000, ':')));
}

TEST(IpAddress, MappedIPv4IsIPv4) {
  EXPECT_EQ(ip("::ffff:10.0.0.1"), ip("10.0.0.1"));
  EXPECT_EQ(ip("::ffff:a00:1"), ip("10.0.0.1"));
  EXPECT_EQ(ip("::ffff:a00:1").text(), "10.0.0.1");
  EXPECT_FALSE(ip("::10.0.0.1").is_v4());
}

// The examples of RFC 5952 section 4.
TEST(IpAddress, WritesTheCanonicalForm) {
  EXPECT_EQ(ip("2001:0db8::0001").text(), "2001:db8::1");
  EXPECT_EQ(ip("2001:db8:0:0:0:0:2:1").text(), "2001:db8::2:1");
  EXPECT_EQ(ip("2001:db8:0:1:1:1:1:1").text(), "2001:db8:0:1:1:1:1:1");  // one group is not shortened
  EXPECT_EQ(ip("2001:0:0:1:0:0:0:1").text(), "2001:0:0:1::1");           // the longest run
  EXPECT_EQ(ip("2001:db8:0:0:1:0:0:1").text(), "2001:db8::1:0:0:1");     // the first of equals
  EXPECT_EQ(ip("2001:DB8:AAAA::").text(), "2001:db8:aaaa::");
  EXPECT_EQ(ip("0:0:0:0:0:0:0:0").text(), "::");
  EXPECT_EQ(ip("::1").text(), "::1");
}

TEST(IpAddress, AgreesWithTheSystemOnRandomAddresses) {
  std::mt19937 random{7};  // NOLINT(cert-msc51-cpp): the same addresses every time
  for (int round = 0; round < 20'000; ++round) {
    std::array<std::uint8_t, 16> bytes{};
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
      const bool zero = random() % 2 == 0;
      bytes[i] = zero ? 0 : static_cast<std::uint8_t>(random());
      bytes[i + 1] = zero ? 0 : static_cast<std::uint8_t>(random());
    }
    const IpAddress address = IpAddress::v6(bytes);
    std::array<char, INET6_ADDRSTRLEN> theirs{};
    ASSERT_NE(inet_ntop(AF_INET6, bytes.data(), theirs.data(), theirs.size()), nullptr);
    EXPECT_EQ(ip(theirs.data()), address);
    EXPECT_EQ(ip(address.text()), address);
    const bool mixed =
        std::string_view{theirs.data()}.find('.') != std::string_view::npos;  // ::1.2.3.4, which we do not write
    if (!mixed) {
      EXPECT_EQ(address.text(), theirs.data());
    }
  }
}

TEST(IpAddress, KnowsLoopback) {
  EXPECT_TRUE(ip("127.0.0.1").is_loopback());
  EXPECT_TRUE(ip("127.255.0.1").is_loopback());
  EXPECT_TRUE(ip("::ffff:127.0.0.1").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("0.0.0.0").is_loopback());
  EXPECT_FALSE(ip("::").is_loopback());
  EXPECT_FALSE(ip("::127.0.0.1").is_loopback());
}

TEST(SocketAddress, ReadsBackWhatItWrites) {
  for (const char* text : {"10.0.0.1:80", "[::1]:43211", "[2001:db8::1]:0", "0.0.0.0:65535", "[::]:8080"}) {
    Result<SocketAddress> parsed = SocketAddress::parse(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->text(), text);
  }
  EXPECT_EQ(SocketAddress::parse("localhost:80")->text(), "127.0.0.1:80");
  EXPECT_EQ(SocketAddress::parse("[::ffff:10.0.0.1]:80")->text(), "10.0.0.1:80");
}

TEST(SocketAddress, RefusesWhatIsNotAddressAndPort) {
  for (const char* wrong :
       {"", ":", "10.0.0.1", ":80", "10.0.0.1:", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1: 80", "::1:80", "[::1]",
        "[10.0.0.1]:80", "[::1]x:80", "[localhost]:80", "host:80", "[]:80", "10.0.0.1:000080", "8080"}) {
    EXPECT_FALSE(SocketAddress::parse(wrong)) << wrong;
  }
}

TEST(Cidr, ContainsItsRangeAndNothingElse) {
  EXPECT_TRUE(cidr("10.0.0.0/8").contains(ip("10.255.255.255")));
  EXPECT_FALSE(cidr("10.0.0.0/8").contains(ip("11.0.0.0")));
  EXPECT_TRUE(cidr("172.16.0.0/12").contains(ip("172.31.0.1")));
  EXPECT_FALSE(cidr("172.16.0.0/12").contains(ip("172.32.0.1")));
  EXPECT_TRUE(cidr("192.168.1.7").contains(ip("192.168.1.7")));
  EXPECT_FALSE(cidr("192.168.1.7").contains(ip("192.168.1.6")));
  EXPECT_TRUE(cidr("fd00::/8").contains(ip("fdff::1")));
  EXPECT_FALSE(cidr("fd00::/8").contains(ip("fe00::1")));
  EXPECT_TRUE(cidr("0.0.0.0/0").contains(ip("8.8.8.8")));
  EXPECT_FALSE(cidr("0.0.0.0/0").contains(ip("::1")));
  EXPECT_TRUE(cidr("::/0").contains(ip("8.8.8.8"))) << "every address there is";
  EXPECT_EQ(cidr("10.0.0.0/8").prefix, 104);
  EXPECT_EQ(cidr("::ffff:10.0.0.0/104"), cidr("10.0.0.0/8"));
}

TEST(Cidr, ReadsBackWhatItWrites) {
  for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.168.1.7/32", "fd00::/8", "::/0", "::1/128", "::/95"}) {
    EXPECT_EQ(cidr(text).text(), text);
  }
}

TEST(Cidr, NamesTheRangeThatWasMeant) {
  Result<Cidr> parsed = Cidr::parse("10.0.1.7/24");
  ASSERT_FALSE(parsed);
  EXPECT_NE(parsed.error().message.find("`10.0.1.0/24`"), std::string::npos) << parsed.error().message;
}

TEST(Cidr, RefusesWhatIsNoRange) {
  for (const char* wrong : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "fd00::/129", "10.0.0.0/8/8", "10/8",
                            "private", "10.0.0.0/-1", "10.0.0.0/8 "}) {
    EXPECT_FALSE(Cidr::parse(wrong)) << wrong;
  }
}

TEST(AddressList, PrivateMeansThePrivateRanges) {
  const AddressList& list = AddressList::private_ranges();
  for (const char* inside :
       {"127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fe80::1", "fd12::1"}) {
    EXPECT_TRUE(list.contains(ip(inside))) << inside;
  }
  for (const char* outside :
       {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "0.0.0.0", "::", "169.254.169.254"}) {
    EXPECT_FALSE(list.contains(ip(outside))) << outside;
  }
}

// Two ways to write an IPv4 address as an IPv6 one: a mapped address is that address, for the system too; one that a
// translator (RFC 6052), 6to4 or Teredo would take there leads through somebody else, and is judged as what it is.
TEST(AddressList, AnIPv4AddressWithinAnIPv6OneOpensNothing) {
  const AddressList list{{*Cidr::parse("10.0.0.0/8"), *Cidr::parse("127.0.0.0/8")}};
  EXPECT_TRUE(list.contains(ip("::ffff:10.1.2.3")));
  EXPECT_FALSE(list.contains(ip("::ffff:8.8.8.8")));
  for (const char* inner : {"64:ff9b::10.1.2.3", "64:ff9b:1::10.1.2.3", "::10.1.2.3", "2002:0a01:0203::1",
                            "64:ff9b::127.0.0.1", "2001:0:a01:203::1", "::7f00:1"}) {
    EXPECT_FALSE(list.contains(ip(inner))) << inner;
    EXPECT_FALSE(AddressList::private_ranges().contains(ip(inner))) << inner;
    EXPECT_FALSE(AddressList{{*Cidr::parse("0.0.0.0/0")}}.contains(ip(inner))) << inner;
  }
}

TEST(AddressList, EmptyMeansNobodyAndAnyMeansEverybody) {
  EXPECT_FALSE(AddressList{}.contains(ip("127.0.0.1")));
  EXPECT_TRUE(AddressList::any().contains(ip("127.0.0.1")));
  EXPECT_TRUE(AddressList::any().contains(ip("2001:db8::1")));
}

}  // namespace
}  // namespace intragate

// Promises of the PROXY header reader: both versions, every prefix, and no guess about anything doubtful.
#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::net {
namespace {

using namespace std::string_literals;
using State = ProxyHeader::State;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;
const std::string kFour = "\x0a\x00\x00\x05\x0a\x00\x00\x06\x30\x39\x01\xbb"s;  // 10.0.0.5:12345 to 10.0.0.6:443

std::string binary(char command, char family, const std::string& body) {
  std::string bytes = kSignature + command + family;
  bytes += static_cast<char>(body.size() / 256);
  bytes += static_cast<char>(body.size() % 256);
  return bytes + body;
}

// The verdict on a whole header, after every shorter stretch of it asked for more.
ProxyHeader read_growing(const std::string& bytes) {
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(read_proxy_header(bytes.substr(0, size)).state, State::incomplete) << size;
  }
  return read_proxy_header(bytes + "GET / HTTP/1.1\r\n");
}

TEST(ProxyHeaderTest, ReadsTextOverIpv4AndIpv6) {
  const std::string four = "PROXY TCP4 10.0.0.5 10.0.0.6 12345 443\r\n";
  ProxyHeader header = read_growing(four);
  EXPECT_EQ(header.state, State::complete);
  EXPECT_EQ(header.size, four.size());
  ASSERT_TRUE(header.client);
  EXPECT_EQ(header.client->text(), "10.0.0.5:12345");
  header = read_growing("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
  ASSERT_TRUE(header.client);
  EXPECT_EQ(header.client->text(), "[2001:db8::1]:0");
}

TEST(ProxyHeaderTest, ReadsBinaryOverIpv4AndIpv6) {
  ProxyHeader header = read_growing(binary('\x21', '\x11', kFour));
  EXPECT_EQ(header.state, State::complete);
  EXPECT_EQ(header.size, 28U);
  ASSERT_TRUE(header.client);
  EXPECT_EQ(header.client->text(), "10.0.0.5:12345");
  std::string six(36, '\0');
  six[0] = '\x20';
  six[1] = '\x01';
  six[15] = '\x01';
  six[33] = '\x50';
  header = read_growing(binary('\x21', '\x21', six + "\x04\x00\x00"s));  // and a TLV, which is skipped
  EXPECT_EQ(header.size, 55U);
  ASSERT_TRUE(header.client);
  EXPECT_EQ(header.client->text(), "[2001::1]:80");
}

TEST(ProxyHeaderTest, LeavesThePeerItsOwnAddressWhenTheProxySpeaksForItself) {
  for (const std::string& bytes :
       {"PROXY UNKNOWN\r\n"s, "PROXY UNKNOWN ffff::1 anything at all\r\n"s, binary('\x20', '\x00', ""),
        binary('\x20', '\x11', kFour), binary('\x20', '\xff', "abc"), binary('\x21', '\x00', "xyz"),
        binary('\x21', '\x31', std::string(216, 'p'))}) {
    const ProxyHeader header = read_growing(bytes);
    EXPECT_EQ(header.state, State::complete) << bytes;
    EXPECT_EQ(header.size, bytes.size());
    EXPECT_FALSE(header.client);
  }
}

TEST(ProxyHeaderTest, IsAbsentAsSoonAsTheBytesCannotBeOne) {
  for (const std::string& bytes : {"G"s, "POST / HTTP/1.1\r\n"s, "PRI * HTTP/2.0\r\n"s, "PROXYX"s, "\r\nGET"s,
                                   "\x16\x03\x01"s, "\r\n\r\n\0\r\nQUIT\r"s, "proxy TCP4"s, " PROXY"s}) {
    EXPECT_EQ(read_proxy_header(bytes).state, State::absent) << bytes;
  }
}

TEST(ProxyHeaderTest, RefusesDoubtfulText) {
  for (const std::string line : {"",
                                 " ",
                                 "TCP4",
                                 "TCP4 1.2.3.4 1.2.3.4 1",
                                 "TCP4 1.2.3.4 1.2.3.4 1 2 ",
                                 "TCP4  1.2.3.4 1.2.3.4 1 2",
                                 "TCP4 1.2.3.4 1.2.3.4 1 2 3",
                                 "TCP4 1.2.3.4 1.2.3.4 65536 2",
                                 "TCP4 1.2.3.4 1.2.3.4 1 99999999",
                                 "TCP4 1.2.3.4 1.2.3.4 -1 2",
                                 "TCP4 1.2.3.4 1.2.3.4 +1 2",
                                 "TCP4 1.2.3.4 1.2.3.4 01 2",
                                 "TCP4 1.2.3.4 1.2.3.4 1 2x",
                                 "TCP4 1.2.3.4 1.2.3.4 1\t2",
                                 "TCP4 1.2.3 1.2.3.4 1 2",
                                 "TCP4 ::1 ::1 1 2",
                                 "TCP4 1.2.3.4 ::1 1 2",
                                 "TCP6 1.2.3.4 1.2.3.4 1 2",
                                 "TCP6 [::1] ::1 1 2",
                                 "TCP6 fe80::1%eth0 ::1 1 2",
                                 "TCP4 localhost 1.2.3.4 1 2",
                                 "UDP4 1.2.3.4 1.2.3.4 1 2",
                                 "tcp4 1.2.3.4 1.2.3.4 1 2",
                                 "UNKNOWNX",
                                 "TCP5 1.2.3.4 1.2.3.4 1 2"}) {
    EXPECT_EQ(read_proxy_header("PROXY " + line + "\r\n").state, State::bad) << line;
  }
  for (const std::string& bytes : {"PROXY UNKNOWN\n"s, "PROXY UNKNOWN\rX"s, "PROXY UNKNOWN \0\r\n"s}) {
    EXPECT_EQ(read_proxy_header(bytes).state, State::bad) << bytes;
  }
}

TEST(ProxyHeaderTest, BoundsTextTo107Bytes) {
  const std::string longest = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
  ASSERT_EQ(longest.size(), 107U);
  EXPECT_EQ(read_growing(longest).state, State::complete);
  EXPECT_EQ(read_proxy_header("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n").state, State::bad);
  EXPECT_EQ(read_proxy_header("PROXY UNKNOWN " + std::string(93, 'x')).state, State::bad);
}

TEST(ProxyHeaderTest, RefusesDoubtfulBinary) {
  EXPECT_EQ(read_proxy_header(kSignature + '\x11').state, State::bad);            // another version
  EXPECT_EQ(read_proxy_header(kSignature + '\x22').state, State::bad);            // another command
  EXPECT_EQ(read_proxy_header(binary('\x21', '\x12', kFour)).state, State::bad);  // datagrams
  EXPECT_EQ(read_proxy_header(binary('\x21', '\x41', kFour)).state, State::bad);  // no such family
  EXPECT_EQ(read_proxy_header(binary('\x21', '\x11', kFour.substr(1))).state, State::bad);
  EXPECT_EQ(read_proxy_header(binary('\x21', '\x21', std::string(35, 'a'))).state, State::bad);
}

TEST(ProxyHeaderTest, BoundsBinaryTo552Bytes) {
  const std::string body = kFour + std::string(536 - kFour.size(), 't');
  EXPECT_EQ(read_growing(binary('\x21', '\x11', body)).size, 552U);
  EXPECT_EQ(read_proxy_header(binary('\x21', '\x11', body + "t").substr(0, 16)).state, State::bad);
}

}  // namespace
}  // namespace intragate::net

#include "auth/wrong_keys.h"

#include <gtest/gtest.h>

#include <string>

#include "net/digest.h"

namespace intragate::auth {
namespace {

using namespace std::chrono_literals;
using Verdict = WrongKeys::Verdict;

const TimePoint kStart{1h};
const IpAddress kThief = IpAddress::v4({10, 0, 0, 66});
const IpAddress kOther = IpAddress::v4({10, 0, 0, 7});

IpAddress v6(const char* text) {
  return *IpAddress::parse(text);
}

class WrongKeysTest : public testing::Test {
 protected:
  Verdict guess(const IpAddress& from, int number, TimePoint now = kStart) {
    return table_.note(from, net::sha256("guess " + std::to_string(number)), rule_, now);
  }
  config::WrongKeys rule_{.limit = 5, .window = 60s, .pause = 30s, .except = {}};
  WrongKeys table_{17};
};

TEST_F(WrongKeysTest, ManyDifferentKeysShutAnAddressOutForAWhile) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(guess(kThief, i), Verdict::noted);
  EXPECT_EQ(table_.refused(kThief, kStart), 0s);
  EXPECT_EQ(guess(kThief, 4), Verdict::refused);
  EXPECT_EQ(table_.refused(kThief, kStart), 30s);
  EXPECT_EQ(table_.refused(kThief, kStart + 29s), 1s);
  EXPECT_EQ(table_.refused(kThief, kStart + 30s), 0s);
  EXPECT_EQ(table_.refused(kOther, kStart), 0s) << "nobody else";
}

TEST_F(WrongKeysTest, TheSameWrongKeyAgainIsNoNewGuess) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(guess(kThief, i % 3), i < 3 ? Verdict::noted : Verdict::known) << i;
  EXPECT_EQ(table_.refused(kThief, kStart), 0s);
}

TEST_F(WrongKeysTest, GuessesAreForgottenWithTheirWindow) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(guess(kThief, i, kStart + std::chrono::seconds{16 * i}), Verdict::noted) << i;
  }
}

TEST_F(WrongKeysTest, AfterThePauseTheCountBeginsAnew) {
  for (int i = 0; i < 5; ++i) (void)guess(kThief, i);
  for (int i = 5; i < 9; ++i) EXPECT_EQ(guess(kThief, i, kStart + 31s), Verdict::noted);
  EXPECT_EQ(guess(kThief, 9, kStart + 31s), Verdict::refused);
}

TEST_F(WrongKeysTest, IPv6CountsByTheNetworkThatAMachineHas) {
  for (int i = 0; i < 5; ++i) (void)guess(v6(("2001:db8::" + std::to_string(i + 1)).c_str()), i);
  EXPECT_GT(table_.refused(v6("2001:db8::ffff:1"), kStart), 0s);
  EXPECT_EQ(table_.refused(v6("2001:db8:0:1::1"), kStart), 0s);
  for (int i = 0; i < 5; ++i) (void)guess(kThief, i);
  EXPECT_EQ(table_.refused(kOther, kStart), 0s) << "IPv4 addresses count one by one";
}

TEST_F(WrongKeysTest, ExceptionsAndZeroSwitchItOff) {
  rule_.except = AddressList{{*Cidr::parse("10.0.0.66")}};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(guess(kThief, i), Verdict::known);
  rule_ = {.limit = 0, .window = 60s, .pause = 30s, .except = {}};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(guess(kOther, i), Verdict::known);
}

// The table does not grow, and a crowd of others takes nobody's pause away as long as there is room beside them.
TEST_F(WrongKeysTest, ACrowdOfAddressesIsBounded) {
  for (int i = 0; i < 5; ++i) (void)guess(kThief, i);
  for (std::uint8_t a = 0; a < 100; ++a) {
    for (std::uint8_t b = 0; b < 200; ++b) (void)guess(IpAddress::v4({172, 16, a, b}), 1);
  }
  EXPECT_GT(table_.refused(kThief, kStart), 0s) << "one guess each does not push out whoever is refused";
}

}  // namespace
}  // namespace intragate::auth

#include "net/authority.h"

#include <set>

#include <gtest/gtest.h>

namespace intragate::net {
namespace {

using std::chrono::hours;
const WallTime kNow{std::chrono::seconds{1'800'000'000}};
const Validity kYear{kNow, kNow + hours{24 * 365}};

struct Fixture {
  Fixture() : made{*Authority::make("Test", KeyType::ec, kYear, "")} {}
  MadeCertificate made;
  Authority authority = *Authority::open(made.certificate, made.key, "");
};

CertificateRequest client(std::string name) {
  CertificateRequest request;
  request.name = std::move(name);
  request.purpose = Purpose::client;
  request.validity = kYear;
  return request;
}

TEST(Authority, SerialNumbersAreLongAndNeverTheSame) {
  const Fixture ca;
  std::set<std::string> serials;
  for (int i = 0; i < 20; ++i) {
    const Result<MadeCertificate> made = ca.authority.issue(client("x"));
    ASSERT_TRUE(made);
    EXPECT_EQ(made->serial.size(), 32U);
    serials.insert(made->serial);
  }
  EXPECT_EQ(serials.size(), 20U);
}

TEST(Authority, EndsWhenItWasTold) {
  const Fixture ca;
  EXPECT_EQ(ca.authority.expires(), kYear.until);
  const Result<CertificateFacts> facts = certificate_facts(ca.made.certificate);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->name, "Test");
  EXPECT_EQ(facts->expires, kYear.until);
}

TEST(Authority, OpensOnlyWithItsOwnKeyAndPassphrase) {
  const Fixture ca;
  const Fixture other;
  EXPECT_FALSE(Authority::open(ca.made.certificate, other.made.key, ""));
  EXPECT_FALSE(Authority::open("nothing", ca.made.key, ""));
  EXPECT_FALSE(Authority::open(ca.made.certificate, "nothing", ""));
  const Result<MadeCertificate> sealed = Authority::make("Sealed", KeyType::ec, kYear, "right");
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(Authority::open(sealed->certificate, sealed->key, "right"));
  EXPECT_FALSE(Authority::open(sealed->certificate, sealed->key, "wrong"));
  EXPECT_FALSE(Authority::open(sealed->certificate, sealed->key, ""));
  EXPECT_FALSE(Authority::open(sealed->certificate, sealed->key, std::string(5000, 'x')));
}

TEST(Authority, NamesThatCannotStandInACertificateAreRefused) {
  const Fixture ca;
  for (const char* dns : {"", ".", "a..b", "-a", "a-", "a b", "*", "*.*.a", "a.*", "b\u00fccher.example", "a,DNS:b"}) {
    CertificateRequest request = client("x");
    request.dns = {dns};
    EXPECT_FALSE(ca.authority.issue(request)) << dns;
  }
  for (const char* dns : {"a", "a.example", "*.a.example", "1-2.x"}) {
    CertificateRequest request = client("x");
    request.dns = {dns};
    EXPECT_TRUE(ca.authority.issue(request)) << dns;
  }
  for (const char* uri : {"", "spiffe", "://x", "spiffe://", "a://b c", "a://b\n", "a://b,c"}) {
    CertificateRequest request = client("x");
    request.uris = {uri};
    EXPECT_FALSE(ca.authority.issue(request)) << uri;
  }
  EXPECT_FALSE(ca.authority.issue(client("")));
  EXPECT_FALSE(ca.authority.issue(client("a\nb")));
  CertificateRequest nameless = client("x");
  nameless.purpose = Purpose::server;
  EXPECT_FALSE(ca.authority.issue(nameless)) << "a server that nobody can call";
}

TEST(Authority, ListOfTheRevokedRefusesWhatIsNoSerial) {
  const Fixture ca;
  EXPECT_TRUE(ca.authority.revocation_list({}, 1, kYear));
  const Result<std::string> list = ca.authority.revocation_list({{"0102", kNow, {}}, {"ff", kNow, {}}}, 2, kYear);
  ASSERT_TRUE(list);
  EXPECT_EQ(*revocation_list_expires(*list), kYear.until);
  for (const char* serial : {"", "xy", "12 34"}) {
    EXPECT_FALSE(ca.authority.revocation_list({{serial, kNow, {}}}, 3, kYear)) << serial;
  }
  EXPECT_FALSE(revocation_list_expires("nothing"));
}

}  // namespace
}  // namespace intragate::net

// `tls` of the file with real certificates: when what it needs ends.
#include <gtest/gtest.h>

#include <fstream>

#include "loading.h"
#include "net/authority.h"

namespace intragate::config {
namespace {

using net::Authority;
using net::KeyType;
using net::MadeCertificate;
using net::Validity;
using std::chrono::hours;

WallTime in_days(int days) {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + hours{24 * days};
}

Validity until(int days) {
  return {in_days(-100), in_days(days)};
}

struct CertificateFiles : testing::Test {
  std::filesystem::path folder = make_folder("tls");
  MadeCertificate ca = *Authority::make("CA", KeyType::ec, until(90), "");
  MadeCertificate old_ca = *Authority::make("Old CA", KeyType::ec, until(-2), "");
  Authority authority = *Authority::open(ca.certificate, ca.key, "");
  MadeCertificate own = issued(50);

  ~CertificateFiles() override { std::filesystem::remove_all(folder); }
  [[nodiscard]] MadeCertificate issued(int days) const {
    net::CertificateRequest request;
    request.name = "gateway";
    request.purpose = net::Purpose::client;
    request.validity = until(days);
    return *authority.issue(request);
  }
  [[nodiscard]] std::string list(int days) const { return *authority.revocation_list({}, 1, until(days)); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream{folder / name} << text;
    std::filesystem::permissions(folder / name, std::filesystem::perms{0600});
  }
  void write_own(const std::string& above = {}) const {
    write("own.pem", own.certificate + above);
    write("own.key", own.key);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return (folder / name).string(); }
  [[nodiscard]] Loaded listener() const {
    return load("listen: [{address: 127.0.0.1:1, tls: {certificate: " + file("own.pem") + ", key: " + file("own.key") +
                ", client_certificate: required, client_ca: " + file("ca.pem") + ", crl: " + file("crl.pem") + "}}]\n" +
                std::string{kOneModel});
  }
};

TEST_F(CertificateFiles, KnowWhenEachOfThemEnds) {
  write_own(ca.certificate);
  write("ca.pem", ca.certificate);
  write("crl.pem", list(7));
  const Loaded loaded = listener();
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_FALSE(contains(all_warnings(loaded), "expired")) << all_warnings(loaded);
  EXPECT_EQ(
      loaded.config.listen[0].tls->expires,
      (std::vector<Expiry>{
          {"certificate", in_days(50)}, {"chain", in_days(90)}, {"client_ca", in_days(90)}, {"crl", in_days(7)}}));
}

TEST_F(CertificateFiles, OfSeveralTheFirstOneToEndCounts) {
  write_own();
  write("ca.pem", ca.certificate + old_ca.certificate);
  write("crl.pem", list(20) + list(7));
  const Loaded loaded = listener();
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.listen[0].tls->expires,
            (std::vector<Expiry>{{"certificate", in_days(50)}, {"client_ca", in_days(-2)}, {"crl", in_days(7)}}));
  EXPECT_TRUE(contains(all_warnings(loaded), "`listen[0].tls.client_ca` has expired"));
}

TEST_F(CertificateFiles, AreRemarkedWhenTheyHaveExpired) {
  own = issued(-1);
  write_own(old_ca.certificate);
  write("ca.pem", ca.certificate);
  write("crl.pem", list(-1));
  const Loaded loaded = listener();
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  const std::string warnings = all_warnings(loaded);
  EXPECT_TRUE(contains(warnings, "`listen[0].tls.certificate` has expired")) << warnings;
  EXPECT_TRUE(contains(warnings, "`listen[0].tls.certificate`: a certificate of its chain has expired")) << warnings;
  EXPECT_TRUE(contains(warnings, "`listen[0].tls.crl` has expired")) << warnings;
}

TEST_F(CertificateFiles, TowardsModelsAreWatchedAsWell) {
  write_own(old_ca.certificate);
  write("ca.pem", old_ca.certificate);
  const Loaded loaded = load("models: [{name: m, endpoints: [{url: \"https://10.0.0.1\", tls: {ca: " + file("ca.pem") +
                             ", certificate: " + file("own.pem") + ", key: " + file("own.key") + "}}]}]\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.models[0].endpoints[0].tls->expires,
            (std::vector<Expiry>{{"certificate", in_days(50)}, {"chain", in_days(-2)}, {"ca", in_days(-2)}}));
  EXPECT_TRUE(contains(all_warnings(loaded), "tls.ca` has expired")) << all_warnings(loaded);
}

TEST_F(CertificateFiles, KeysThatOthersCanReadAreRemarkedAndThoseTheyCanWriteRefused) {
  write_own();
  write("ca.pem", ca.certificate);
  write("crl.pem", list(7));
  std::filesystem::permissions(folder / "own.key", std::filesystem::perms{0644});
  EXPECT_TRUE(contains(all_warnings(listener()), "own.key` holds a secret and every user can read it"))
      << all_warnings(listener());
  std::filesystem::permissions(folder / "own.key", std::filesystem::perms{0602});
  EXPECT_TRUE(contains(all_problems(listener()), "own.key` can be written by every user")) << all_problems(listener());
  std::filesystem::permissions(folder / "own.key", std::filesystem::perms{0660});
  EXPECT_TRUE(listener().ok());
  EXPECT_FALSE(contains(all_warnings(listener()), "every user")) << "the group is the operator's choice";
}

}  // namespace
}  // namespace intragate::config

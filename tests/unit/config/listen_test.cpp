// `listen` and `admin` of the file.
#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

Loaded load_with(std::string_view yaml) {
  return load(std::string{yaml} + "\n" + std::string{kOneModel});
}

TEST(ConfigListen, DefaultsToOneLoopbackAddress) {
  const Loaded loaded = load_with("");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  ASSERT_EQ(loaded.config.listen.size(), 1U);
  EXPECT_EQ(loaded.config.listen[0].address.text(), "127.0.0.1:8080");
  EXPECT_EQ(loaded.config.listen[0].allow, AddressList::private_ranges());
  EXPECT_TRUE(loaded.config.listen[0].trusted_proxies.empty());
  EXPECT_TRUE(loaded.config.admin.address_is_default);
}

TEST(ConfigListen, ReadsEveryKey) {
  const Loaded loaded = load_with(
      "listen:\n"
      "  - {address: 0.0.0.0:8443, allow: [10.0.0.0/8], trusted_proxies: [10.0.0.10/32], max_connections: 7,\n"
      "     max_head: 1KiB, max_body: 4GiB, max_upload: 64GiB,\n"
      "     timeouts: {head: 1s, body: 2s, idle: 3s, write: 4s}}\n"
      "  - {address: \"[::1]:0\", allow: any}\n"
      "admin: {address: 127.0.0.1:9, token: t}\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  ASSERT_EQ(loaded.config.listen.size(), 2U);
  const Listen& first = loaded.config.listen[0];
  EXPECT_EQ(first.address.text(), "0.0.0.0:8443");
  EXPECT_EQ(first.allow.ranges().size(), 1U);
  EXPECT_EQ(first.trusted_proxies.ranges()[0].text(), "10.0.0.10/32");
  EXPECT_EQ(first.max_connections, 7U);
  EXPECT_EQ(first.max_head, kKiB);
  EXPECT_EQ(first.max_body, 4096 * kMiB);
  EXPECT_EQ(first.max_upload, 65536 * kMiB);
  EXPECT_EQ(first.timeouts, (ListenTimeouts{.head = 1s, .body = 2s, .idle = 3s, .write = 4s}));
  EXPECT_EQ(loaded.config.listen[1].address.text(), "[::1]:0");
  EXPECT_EQ(loaded.config.listen[1].allow, AddressList::any());
  EXPECT_FALSE(loaded.config.admin.address_is_default);
  EXPECT_EQ(loaded.config.admin.token.reveal(), "t");
}

TEST(ConfigListen, RefusesValuesOutsideTheirRange) {
  const Loaded loaded = load_with(
      "listen: [{address: 127.0.0.1:1, max_head: 1, max_body: 5GiB, max_connections: 0, timeouts: {idle: 0s}}]");
  EXPECT_EQ(all_problems(loaded),
            "test.yaml:1:43: `listen[0].max_head`: `1` is outside 1KiB..1MiB\n"
            "test.yaml:1:56: `listen[0].max_body`: `5GiB` is outside 1KiB..4GiB\n"
            "test.yaml:1:79: `listen[0].max_connections`: `0` is outside 1..1000000\n"
            "test.yaml:1:99: `listen[0].timeouts.idle`: `0s` is outside 1ms..1h\n")
      << "each problem stands where its value does";
}

TEST(ConfigListen, AnEmptyAllowListMeansNobodyAndIsRemarked) {
  const Loaded loaded = load_with("listen: [{address: 127.0.0.1:1, allow: []}]");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_TRUE(loaded.config.listen[0].allow.empty());
  EXPECT_TRUE(contains(all_warnings(loaded), "test.yaml:1:40: `listen[0].allow` is empty: nobody may connect"));
}

TEST(ConfigListen, RefusesARangeWithHostBitsAndNamesTheOneThatWasMeant) {
  const Loaded loaded = load_with("listen: [{address: 127.0.0.1:1, allow: [10.0.0.1/8]}]");
  EXPECT_TRUE(contains(all_problems(loaded), "test.yaml:1:41: "));
  EXPECT_TRUE(contains(all_problems(loaded), "the range is `10.0.0.0/8`"));
  EXPECT_TRUE(
      contains(all_problems(load_with("listen: [{address: 127.0.0.1:1, allow: privat}]")), "is not `private`, `any`"));
}

TEST(ConfigListen, RefusesTheSameAddressTwice) {
  EXPECT_TRUE(contains(all_problems(load_with("listen: [{address: 127.0.0.1:1}, {address: localhost:1}]")),
                       "already used above"));
  EXPECT_TRUE(contains(all_problems(load_with("listen: [{address: 127.0.0.1:8081}]")), "also an address of `listen`"));
  EXPECT_TRUE(
      load_with("listen: [{address: 127.0.0.1:0}, {address: 127.0.0.1:0}]\nadmin: {address: 127.0.0.1:0}").ok());
}

TEST(ConfigListen, RefusesAddressesThatOneSocketTakesFromAnother) {
  EXPECT_TRUE(contains(all_problems(load_with("listen: [{address: 0.0.0.0:1}, {address: 127.0.0.1:1}]")),
                       "test.yaml:1:42: this address is already used above, by 0.0.0.0:1"));
  EXPECT_TRUE(
      contains(all_problems(load_with("listen: [{address: \"[::1]:1\"}, {address: \"[::]:1\"}]")), "by [::1]:1"));
  EXPECT_TRUE(contains(all_problems(load_with("listen: [{address: 0.0.0.0:8081}]")), "also an address of `listen`"));
  EXPECT_TRUE(load_with("listen: [{address: 0.0.0.0:1}, {address: \"[::]:1\"}, {address: 127.0.0.1:2}]").ok());
}

TEST(ConfigListen, MustNameAnAddress) {
  EXPECT_TRUE(contains(all_problems(load_with("listen: []")), "must name at least one address"));
  EXPECT_TRUE(contains(all_problems(load_with("listen: [{}]")), "test.yaml:1:10: `address` is missing in listen[0]"));
  EXPECT_TRUE(contains(all_problems(load_with("listen: 127.0.0.1:80")), "must be a list"));
  EXPECT_TRUE(contains(all_problems(load_with("listen: [127.0.0.1:80]")), "must be a mapping"));
  EXPECT_TRUE(contains(all_problems(load_with("listen: [{address: 8080}]")), "such as 127.0.0.1:8080"));
}

TEST(ConfigAdmin, AnAddressThatOthersReachNeedsAToken) {
  EXPECT_TRUE(
      contains(all_problems(load_with("admin: {address: 0.0.0.0:1}")), "test.yaml:1:18: an admin address that other"));
  EXPECT_TRUE(load_with("admin: {address: 0.0.0.0:1, token: secret}").ok());
  EXPECT_TRUE(load_with("admin: {address: \"[::1]:1\"}").ok());
  EXPECT_TRUE(load_with("admin: {address: 127.1.2.3:1}").ok());
}

TEST(ConfigListen, TlsNeedsItsFiles) {
  const auto problems = [](const std::string& tls) {
    return all_problems(load_with("listen: [{address: 127.0.0.1:1, tls: {" + tls + "}}]"));
  };
  EXPECT_TRUE(contains(problems("certificate: /nowhere/a.pem"), "`key` is missing in listen[0].tls"));
  EXPECT_TRUE(contains(problems("certificate: /nowhere/a.pem, key: /nowhere/a.key"), "listen[0].tls.certificate"));
  EXPECT_TRUE(contains(problems("certificate: a, key: a, client_certificate: required"), "need `client_ca`"));
  EXPECT_TRUE(contains(problems("certificate: a, key: a, client_ca: a"), "need `client_certificate`"));
}

TEST(ConfigListen, AnAdminAddressForOthersNeedsATokenOrCertificates) {
  EXPECT_TRUE(
      contains(all_problems(load_with("admin: {address: 0.0.0.0:9}")), "`admin.token` or `admin.certificates`"));
  EXPECT_TRUE(contains(all_problems(load_with("admin: {address: 127.0.0.1:9, certificates: [{cn: a}]}")),
                       "`admin.certificates` needs `admin.tls` with a `client_certificate`"));
  EXPECT_TRUE(contains(all_problems(load_with("admin: {address: 127.0.0.1:9, certificates: [{}]}")),
                       "a certificate is known by its"));
  EXPECT_TRUE(
      contains(all_problems(load_with("admin: {address: 0.0.0.0:9, certificates: []}")), "needs `admin.token`"));
}

}  // namespace
}  // namespace intragate::config

#include "auth/keyring.h"

#include <gtest/gtest.h>

#include "auth/rules.h"
#include "net/digest.h"

namespace intragate::auth {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{1'767'225'600s};  // 2026-01-01
const IpAddress kHome = IpAddress::v4({10, 0, 1, 2});

config::Key key(const std::string& name, const std::string& secret) {
  config::Key key;
  key.name = name;
  key.hash = net::sha256_hex(secret);
  return key;
}

Keyring ring_of(const std::vector<config::Key>& keys) {
  auto ring = Keyring::make(keys);
  EXPECT_TRUE(ring);
  return std::move(*ring);
}

TEST(Keyring, FindsEachHolderByTheDigestOfItsKey) {
  std::vector<config::Key> keys;
  for (int i = 0; i < 200; ++i) keys.push_back(key("k" + std::to_string(i), "secret" + std::to_string(i)));
  const Keyring ring = ring_of(keys);
  EXPECT_EQ(ring.size(), 200U);
  for (int i = 0; i < 200; ++i) {
    const Principal* holder = ring.find(net::sha256("secret" + std::to_string(i)));
    ASSERT_NE(holder, nullptr);
    EXPECT_EQ(holder->name, "k" + std::to_string(i));
  }
  EXPECT_EQ(ring.find(net::sha256("secret200")), nullptr);
}

TEST(Keyring, OneWrongBitAnywhereIsNobody) {
  const Keyring ring = ring_of({key("a", "s")});
  const Digest right = net::sha256("s");
  for (std::size_t bit = 0; bit < 256; ++bit) {
    Digest wrong = right;
    wrong[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_EQ(ring.find(wrong), nullptr) << bit;
  }
}

TEST(Keyring, KeepsWhatTheConfigurationSays) {
  config::Key configured = key("dify", "s");
  configured.models = {"qwen*"};
  configured.trust_user = true;
  configured.stream_usage = config::StreamUsage::always;
  configured.while_waiting = config::WhileWaiting::interim;
  const Keyring ring = ring_of({configured});
  const Principal* holder = ring.find(net::sha256("s"));
  ASSERT_NE(holder, nullptr);
  EXPECT_EQ(holder->key_id, configured.hash.substr(0, 12));
  EXPECT_TRUE(holder->trust_user);
  EXPECT_EQ(holder->stream_usage, config::StreamUsage::always);
  EXPECT_EQ(holder->while_waiting, config::WhileWaiting::interim);
  EXPECT_EQ(holder->models, configured.models);
}

TEST(Keyring, TakesUpperCaseHashesAndRefusesWhatIsNone) {
  config::Key configured = key("a", "s");
  for (char& c : configured.hash) c = static_cast<char>(std::toupper(c));
  EXPECT_NE(ring_of({configured}).find(net::sha256("s")), nullptr);
  for (const std::string& hash :
       {std::string{}, configured.hash + "0", configured.hash.substr(1), std::string(64, 'g')}) {
    configured.hash = hash;
    const auto ring = Keyring::make({configured});
    ASSERT_FALSE(ring) << hash;
    EXPECT_EQ(ring.error().code, Code::invalid_configuration);
    EXPECT_EQ(ring.error().message.find(hash.empty() ? "\n" : hash), std::string::npos) << "a hash in a message";
  }
}

TEST(Keyring, RefusesOneKeyUnderTwoNames) {
  const auto ring = Keyring::make({key("a", "s"), key("b", "s")});
  ASSERT_FALSE(ring);
  EXPECT_NE(ring.error().message.find("`a`"), std::string::npos);
  EXPECT_NE(ring.error().message.find("`b`"), std::string::npos);
}

// What becomes of the key "s".
Result<Unit> enter(const Keyring& ring, const IpAddress& address, WallTime now) {
  Result<const Principal*> who = identify(ring, net::sha256("s"));
  if (!who) return std::move(who).error();
  return admit(**who, address, now);
}

TEST(KeyRules, UnknownKeyIs401) {
  const auto who = identify(ring_of({key("a", "s")}), net::sha256("t"));
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().code, Code::invalid_key);
}

TEST(KeyRules, KeyWorksUntilTheMomentItExpires) {
  config::Key configured = key("a", "s");
  configured.expires = kNow;
  const Keyring ring = ring_of({configured});
  EXPECT_TRUE(enter(ring, kHome, kNow - 1ns));
  const auto who = enter(ring, kHome, kNow);
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().code, Code::expired_key);
  EXPECT_NE(who.error().message.find("2026-01-01"), std::string::npos);
}

TEST(KeyRules, KeyWorksOnlyFromItsAddresses) {
  config::Key configured = key("a", "s");
  configured.allow = AddressList{{*Cidr::parse("10.0.1.0/24")}};
  const Keyring ring = ring_of({configured});
  EXPECT_TRUE(enter(ring, kHome, kNow));
  const auto who = enter(ring, IpAddress::v4({10, 0, 2, 1}), kNow);
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().code, Code::address_not_allowed);
  configured.allow = AddressList{};
  EXPECT_FALSE(enter(ring_of({configured}), kHome, kNow)) << "an empty list is nobody";
}

bool may(const std::vector<std::string>& patterns, std::string_view model) {
  config::Key configured;
  configured.models = patterns;
  return may_use(principal_of(configured), {model, {}}, model);
}

TEST(KeyRules, ModelsMatchExactlyOrByTheirPattern) {
  const std::vector<std::string> patterns{"qwen2.5-7b", "bge-*", "*-vl-*"};
  for (const char* one : {"qwen2.5-7b", "bge-m3", "bge-", "qwen-vl-7b"}) EXPECT_TRUE(may(patterns, one)) << one;
  for (const char* other : {"qwen2.5-7", "qwen2.5-7b-instruct", "Qwen2.5-7b", "bge", "", "*", "xbge-m3", "qwen-vl"}) {
    EXPECT_FALSE(may(patterns, other)) << other;
  }
  EXPECT_TRUE(may({"*"}, "anything"));
  EXPECT_FALSE(may({}, "anything")) << "an empty list is none";
}

TEST(KeyRules, WhatIsDeniedIsNotAllowedByAnythingElse) {
  for (const std::vector<std::string>& patterns : {std::vector<std::string>{"qwen*", "!qwen-secret"},
                                                   {"!qwen-secret", "qwen*"},
                                                   {"qwen-secret", "!*secret", "*"}}) {
    EXPECT_FALSE(may(patterns, "qwen-secret"));
    EXPECT_TRUE(may(patterns, "qwen-open"));
  }
  EXPECT_FALSE(may({"!qwen-secret"}, "qwen-open")) << "to deny one is not to allow the others";
}

TEST(KeyRules, AModelIsDeniedUnderAllItsNames) {
  const std::vector<std::string> aliases{"gpt-4o", "house-model"};
  const ModelNames model{"qwen-secret", aliases};
  config::Key configured;
  configured.models = {"*", "!gpt-4o"};
  for (const char* asked : {"qwen-secret", "gpt-4o", "house-model"}) {
    EXPECT_FALSE(may_use(principal_of(configured), model, asked)) << asked;
  }
  configured.models = {"gpt-4o"};
  EXPECT_TRUE(may_use(principal_of(configured), model, "gpt-4o")) << "an alias allows itself";
  EXPECT_FALSE(may_use(principal_of(configured), model, "house-model"));
  EXPECT_FALSE(may_use(principal_of(configured), model, "qwen-secret"));
  configured.models = {"qwen-secret"};
  EXPECT_TRUE(may_use(principal_of(configured), model, "house-model")) << "a model is allowed under all its names";
}

TEST(KeyRules, ApisAreThoseOfTheList) {
  config::Key configured;
  EXPECT_TRUE(check_api(principal_of(configured), "chat"));
  configured.apis = {"embeddings"};
  EXPECT_TRUE(check_api(principal_of(configured), "embeddings"));
  const auto refused = check_api(principal_of(configured), "chat");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::api_not_allowed);
  configured.apis = {};
  EXPECT_FALSE(check_api(principal_of(configured), "embeddings"));
}

TEST(KeyRules, ApisAreNamesPatternsAndDenials) {
  config::Key configured;
  configured.apis = {"*", "!chat", "!trans*"};
  EXPECT_FALSE(check_api(principal_of(configured), "chat"));
  EXPECT_FALSE(check_api(principal_of(configured), "transcription"));
  EXPECT_TRUE(check_api(principal_of(configured), "completions"));
  configured.apis = {"!chat", "c*"};
  EXPECT_FALSE(check_api(principal_of(configured), "chat")) << "the order does not matter";
  EXPECT_TRUE(check_api(principal_of(configured), "completions"));
  EXPECT_FALSE(check_api(principal_of(configured), "embeddings"));
  configured.apis = {"!chat"};
  EXPECT_FALSE(check_api(principal_of(configured), "embeddings")) << "denials alone allow nothing";
}

TEST(KeyRules, RefusedModelIs403AndNamedInShort) {
  Principal principal;
  const auto refused = check_model(principal, {"m", {}}, std::string(5000, 'x') + "\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::model_not_allowed);
  EXPECT_LT(refused.error().message.size(), 300U);
}

TEST(Keyring, EveryPartOfACertificateRuleMustMatch) {
  const net::Certificate certificate{.subject = "CN=a",
                                     .common_name = "a",
                                     .names = {"a.corp", "10.0.0.1"},
                                     .uris = {"spiffe://corp/a"},
                                     .not_before = {},
                                     .not_after = {}};
  EXPECT_TRUE(fits({.cn = "a", .san = "10.0.0.1", .spiffe = "spiffe://corp/a"}, certificate));
  EXPECT_TRUE(fits({.cn = {}, .san = "a.corp", .spiffe = {}}, certificate));
  EXPECT_FALSE(fits({.cn = "b", .san = "a.corp", .spiffe = {}}, certificate));
  EXPECT_FALSE(fits({.cn = {}, .san = {}, .spiffe = "spiffe://corp/"}, certificate));
  EXPECT_FALSE(fits({.cn = {}, .san = "corp", .spiffe = {}}, certificate));
}

TEST(Keyring, ACertificateAloneIsEnoughOnlyWhereTheKeyIsNotRequiredToo) {
  config::Key both = key("both", "s");
  both.certificate = config::CertificateRule{.cn = "a", .san = {}, .spiffe = {}};
  both.require = config::Require::both;
  config::Key alone;
  alone.name = "alone";
  alone.certificate = config::CertificateRule{.cn = "a", .san = {}, .spiffe = {}};
  net::Certificate certificate;
  certificate.common_name = "a";
  EXPECT_EQ(ring_of({both}).find(certificate), nullptr);
  const Keyring ring = ring_of({both, alone});
  ASSERT_NE(ring.find(certificate), nullptr);
  EXPECT_EQ(ring.find(certificate)->name, "alone");
  EXPECT_EQ(ring.find(net::sha256("s"))->name, "both");
  certificate.common_name = "b";
  EXPECT_EQ(ring.find(certificate), nullptr);
}

}  // namespace
}  // namespace intragate::auth

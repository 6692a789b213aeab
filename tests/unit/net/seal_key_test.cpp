#include "net/seal_key.h"

#include <gtest/gtest.h>

namespace intragate::net {
namespace {

// RFC 8032, section 7.1, test 1: the secret key as PKCS #8, and the signature over nothing.
constexpr std::string_view kPrivate =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view kPublic =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view kSignature =
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe2465"
    "5"
    "141438e7a100b";

TEST(SealKey, SignsAsTheStandardDoes) {
  const SealKey key = *SealKey::parse(kPrivate);
  EXPECT_TRUE(key.can_sign());
  EXPECT_EQ(key.algorithm(), "ed25519");
  EXPECT_EQ(key.sign(""), kSignature);
}

TEST(SealKey, APublicKeyIsEnoughToVerify) {
  const SealKey key = *SealKey::parse(kPublic);
  EXPECT_FALSE(key.can_sign());
  EXPECT_TRUE(key.verify("", kSignature));
  EXPECT_FALSE(key.verify("x", kSignature));
  EXPECT_EQ(key.id(), SealKey::parse(kPrivate)->id());
  for (std::size_t at = 0; at < kSignature.size(); ++at) {
    std::string forged{kSignature};
    forged[at] = forged[at] == '0' ? '1' : '0';
    EXPECT_FALSE(key.verify("", forged));
  }
  for (const std::string_view junk : {"", "zz", "e556"}) EXPECT_FALSE(key.verify("", junk));
}

TEST(SealKey, AnyOtherSecretMakesAnHmac) {
  const SealKey key = *SealKey::parse(std::string(32, 'k'));
  EXPECT_TRUE(key.can_sign());
  EXPECT_EQ(key.algorithm(), "hmac-sha256");
  // printf message | openssl dgst -sha256 -hmac kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
  EXPECT_EQ(key.sign("message"), "63a375b8a62b7025b0b00fb07b716b44a608692b5ff609e31bdc7e2219548646");
  EXPECT_TRUE(key.verify("message", key.sign("message")));
  EXPECT_FALSE(key.verify("massage", key.sign("message")));
  EXPECT_EQ(key.id().size(), 12U);
}

TEST(SealKey, RefusesWhatIsTooWeakOrNoKeyAndShowsNothingOfIt) {
  const std::string broken = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
  for (const std::string& text : {std::string(31, 'k'), std::string{}, broken}) {
    const Result<SealKey> key = SealKey::parse(text);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().code, Code::invalid_configuration);
    EXPECT_EQ(key.error().message.find("kkk"), std::string::npos);
    EXPECT_EQ(key.error().message.find("c2Vj"), std::string::npos);
  }
}

}  // namespace
}  // namespace intragate::net

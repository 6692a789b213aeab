#include "auth/bearer.h"

#include <gtest/gtest.h>

#include <string>

namespace intragate::auth {
namespace {

TEST(Bearer, FindsTheKeyWhateverTheSchemesCase) {
  for (const char* value : {"Bearer sk-1", "bearer sk-1", "BEARER \t sk-1 ", " Bearer sk-1"}) {
    const auto token = bearer_token(value);
    ASSERT_TRUE(token) << value;
    EXPECT_EQ(*token, "sk-1") << value;
  }
}

TEST(Bearer, EmptyHeaderIsNoKey) {
  for (const char* value : {"", " ", "\t"}) {
    const auto token = bearer_token(value);
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().code, Code::invalid_key);
    EXPECT_NE(token.error().message.find("No API key was sent"), std::string::npos);
  }
}

TEST(Bearer, RefusesOtherSchemesAndWhatCannotBeAKey) {
  for (const std::string& value :
       {std::string{"Basic dXNlcjpwYXNz"}, std::string{"sk-1"}, std::string{"Bearer"}, std::string{"Bearer "},
        std::string{"Bearersk-1"}, std::string{"Bearer a b"}, std::string{"Bearer sk-ä"}, std::string{"Bearer a\x7f"},
        "Bearer " + std::string(513, 'a'), std::string(100'000, 'b')}) {
    const auto token = bearer_token(value);
    ASSERT_FALSE(token) << value;
    EXPECT_EQ(token.error().code, Code::invalid_key);
    EXPECT_EQ(token.error().message.find("dXNl"), std::string::npos) << "a secret in a message";
  }
}

TEST(Bearer, TakesTheLongestKeyThereMayBe) {
  EXPECT_TRUE(bearer_token("Bearer " + std::string(512, 'a')));
}

TEST(Bearer, ABareKeyIsTheWholeHeader) {
  const auto token = bare_token(" sk-1\t");
  ASSERT_TRUE(token);
  EXPECT_EQ(*token, "sk-1");
  for (const std::string& value :
       {std::string{}, std::string{"Bearer sk-1"}, std::string{"a\x7f"}, std::string(513, 'a')}) {
    const auto refused = bare_token(value);
    ASSERT_FALSE(refused) << value;
    EXPECT_EQ(refused.error().code, Code::invalid_key);
  }
}

}  // namespace
}  // namespace intragate::auth

#include "config/credentials.h"

#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

TEST(AuthType, KnowsTheFourKinds) {
  EndpointAuth auth;
  EXPECT_FALSE(read_auth_type("bearer", auth));
  EXPECT_EQ(auth.type, AuthType::bearer);
  EXPECT_FALSE(read_auth_type("basic", auth));
  EXPECT_EQ(auth.type, AuthType::basic);
  EXPECT_FALSE(read_auth_type("header:X-Api-Key", auth));
  EXPECT_EQ(auth.type, AuthType::header);
  EXPECT_EQ(auth.header, "X-Api-Key");
  EXPECT_FALSE(read_auth_type("none", auth));
  EXPECT_EQ(auth.type, AuthType::none);
}

TEST(AuthType, SuggestsAndRefuses) {
  EndpointAuth auth;
  EXPECT_EQ(read_auth_type("Bearer", auth)->detail, "did you mean `bearer`?");
  for (const char* wrong : {"", "token", "header", "header:", "header:a b", "header:a:b", "header:x\r\ny",
                            "header:Host", "header:content-length", "header:Transfer-Encoding"}) {
    EXPECT_TRUE(read_auth_type(wrong, auth)) << wrong;
  }
}

std::string verdict(AuthType type, const std::string& key) {
  EndpointAuth auth;
  auth.type = type;
  auth.key = Secret{key};
  const std::optional<Error> wrong = check_auth(auth);
  return wrong ? wrong->message : "";
}

TEST(EndpointKey, MustBeSomethingThatAHeaderCarries) {
  EXPECT_EQ(verdict(AuthType::none, ""), "");
  EXPECT_EQ(verdict(AuthType::bearer, "token-1"), "");
  EXPECT_EQ(verdict(AuthType::header, "Key a=b"), "");
  EXPECT_EQ(verdict(AuthType::basic, "user:pass:wörd"), "");
  EXPECT_NE(verdict(AuthType::bearer, ""), "");
  EXPECT_NE(verdict(AuthType::basic, "userpassword"), "");
  for (const char* wrong : {"a\r\nHost: evil", "a\nb", " a", "a ", "ä", "a\x7f", "a\tb"}) {
    EXPECT_NE(verdict(AuthType::bearer, wrong), "") << wrong;
    EXPECT_FALSE(contains(verdict(AuthType::bearer, wrong), "evil")) << "a message holds the key";
  }
}

TEST(ApiKey, MustBeSomethingThatClientsCanSend) {
  EXPECT_FALSE(check_api_key(Secret{"sk-bench"}));
  EXPECT_FALSE(check_api_key(Secret{std::string(512, 'a')}));
  for (const std::string& wrong : {std::string{}, std::string{"1234567"}, std::string{"abcd efgh"},
                                   std::string{"abcdefgh\n"}, std::string{"ключключ"}, std::string(513, 'a')}) {
    EXPECT_TRUE(check_api_key(Secret{wrong})) << wrong;
  }
}

TEST(ApiKey, IsNotAnExamplesPlaceholder) {
  for (const char* wrong : {"sk-...", "sk-your-key-here", "your-api-key", "YOUR_API_KEY", "changeme",
                            "sk-change-me-now", "<api-key>", "sk-xxxxxxxxxxxx"}) {
    const std::optional<Error> refused = check_api_key(Secret{wrong});
    ASSERT_TRUE(refused) << wrong;
    EXPECT_TRUE(contains(refused->message, "placeholder")) << refused->message;
  }
  EXPECT_FALSE(check_api_key(Secret{"sk-5f1c9a7e3b2d4680"}));
}

}  // namespace
}  // namespace intragate::config

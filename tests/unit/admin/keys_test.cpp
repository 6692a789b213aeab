#include "admin/keys.h"

#include <gtest/gtest.h>

namespace intragate::admin {
namespace {

using namespace std::chrono_literals;
using Verb = KeyRequest::Verb;

const WallTime kNow{1'767'225'600s};

std::string refusal(Verb verb, std::string_view body) {
  const Result<KeyRequest> read = read_key_body(verb, body, kNow);
  return read ? "it was read" : read.error().message;
}

TEST(KeyRequests, TheirPathsAreTheVerbs) {
  EXPECT_EQ(key_verb_of("/keys"), Verb::list);
  EXPECT_EQ(key_verb_of("/keys/create"), Verb::create);
  EXPECT_EQ(key_verb_of("/keys/expire"), Verb::expire);
  for (const char* other : {"/keys/", "/keys/list", "/keys/create/", "/keysx", "/keys/../calls", "/Keys"}) {
    EXPECT_FALSE(key_verb_of(other)) << other;
  }
}

TEST(KeyRequests, ReadAWholeNewKey) {
  const auto read = read_key_body(
      Verb::create,
      R"({"name":"dify","models":["qwen*","!qwen-secret"],"apis":["chat","!s*"],"allow":["10.0.1.0/24","::1"],)"
      R"("trust_user":true,"stream_usage":"always","while_waiting":"interim","expires":"2027-01-01T00:00:00Z"})",
      kNow);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "dify");
  EXPECT_EQ(read->models, (std::vector<std::string>{"qwen*", "!qwen-secret"}));
  EXPECT_EQ(read->apis, (std::vector<std::string>{"chat", "!s*"}));
  EXPECT_EQ(read->allow, (std::vector<std::string>{"10.0.1.0/24", "::1"}));
  EXPECT_TRUE(read->trust_user);
  EXPECT_EQ(read->stream_usage, "always");
  EXPECT_EQ(read->while_waiting, "interim");
  EXPECT_EQ(read->at, WallTime{1'798'761'600s});
}

TEST(KeyRequests, TimesMayCountFromNow) {
  EXPECT_EQ(read_key_body(Verb::create, R"({"name":"a","expires":"90d"})", kNow)->at, kNow + 90 * 24h);
  EXPECT_EQ(read_key_body(Verb::rotate, R"({"name":"a"})", kNow)->grace, 24h);
  EXPECT_EQ(read_key_body(Verb::rotate, R"({"name":"a","grace":"0s"})", kNow)->grace, 0s);
  EXPECT_FALSE(read_key_body(Verb::expire, R"({"name":"a"})", kNow)->at) << "now";
}

TEST(KeyRequests, RefuseWhatIsNotMeant) {
  for (const char* body : {"",
                           "[]",
                           "{",
                           R"({})",
                           R"({"name":""})",
                           R"({"name":1})",
                           R"({"name":"a","name":"b"})",
                           R"({"name":"a\n"})",
                           R"({"name":" a"})",
                           R"({"name":"-a"})",
                           R"({"name":"a","zzz":1})",
                           R"({"name":"a","grace":"1h"})",
                           R"({"name":"a","models":"m"})",
                           R"({"name":"a","models":[""]})",
                           R"({"name":"a","models":["!"]})",
                           R"({"name":"a","models":["x\ny"]})",
                           R"({"name":"a","apis":["chat","chatt"]})",
                           R"({"name":"a","apis":["*","!chatt"]})",
                           R"({"name":"a","apis":["!"]})",
                           R"({"name":"a","allow":["10.0.0.1/8"]})",
                           R"({"name":"a","allow":["any","10.0.0.0/8"]})",
                           R"({"name":"a","expires":"tomorrow"})",
                           R"({"name":"a","trust_user":"true"})",
                           R"({"name":"a","stream_usage":"never"})",
                           R"({"name":"a","hash":"00"})"}) {
    EXPECT_NE(refusal(Verb::create, body), "it was read") << body;
  }
  EXPECT_NE(refusal(Verb::create, "{\"name\":\"" + std::string(129, 'a') + "\"}"), "it was read");
  EXPECT_NE(refusal(Verb::revoke, R"({"name":"a","grace":"1h"})"), "it was read");
  EXPECT_NE(refusal(Verb::revoke, R"({"name":"a","models":["m"]})"), "it was read");
}

TEST(KeyRequests, EmptyListsMeanNothing) {
  const auto read = read_key_body(Verb::create, R"({"name":"a","models":[],"apis":[],"allow":[]})", kNow);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->models.empty() && read->apis.empty() && read->allow.empty());
}

TEST(KeyRequests, OneIsListedByItsName) {
  EXPECT_EQ(read_key_query("")->name, "");
  EXPECT_EQ(read_key_query("name=a%20b")->name, "a b");
  for (const char* query : {"name=", "name", "x=y", "name=%zz"}) EXPECT_FALSE(read_key_query(query)) << query;
}

}  // namespace
}  // namespace intragate::admin

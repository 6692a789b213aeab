#include "admin/calls.h"

#include <gtest/gtest.h>

namespace intragate::admin {
namespace {

using namespace std::chrono_literals;

TEST(ListQuery, NamesUserKeyAndModel) {
  const Result<llm::CallFilter> filter = read_list_query("user=a%20b%2Bc+d&key=dify&model=org%2fm");
  ASSERT_TRUE(filter);
  EXPECT_EQ(filter->user, "a b+c d");
  EXPECT_EQ(filter->key, "dify");
  EXPECT_EQ(filter->model, "org/m");
  EXPECT_TRUE(filter->id.empty());
  EXPECT_TRUE(read_list_query(""));
}

TEST(ListQuery, RefusesWhatWouldSilentlyListTheWrongCalls) {
  for (const std::string_view query : {"users=a", "user", "user=", "user=a&user=b", "id=r", "user=%", "user=%4",
                                       "user=%zz", "=a", "&user=a", "User=a"}) {
    EXPECT_FALSE(read_list_query(query)) << query;
  }
}

TEST(CancelBody, NamesAnIdOrAUserOrAKeyOrAKeysUser) {
  const Result<llm::CallFilter> id = read_cancel_body(R"({"id":"r-1"})");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->id, "r-1");
  const Result<llm::CallFilter> user = read_cancel_body(R"( {"user":"u\u00e9"} )");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->user, "u\xc3\xa9");
  const Result<llm::CallFilter> both = read_cancel_body(R"({"key":"dify","user":"u"})");
  ASSERT_TRUE(both);
  EXPECT_EQ(both->key + both->user, "difyu");
}

TEST(CancelBody, NeverMeansMoreCallsThanItNames) {
  for (const std::string_view body :
       {"", "{}", "[]", "null", R"({"id":""})", R"({"user":""})", R"({"user":null})", R"({"user":"","key":"dify"})",
        R"({"id":"r","user":"u"})", R"({"id":"r","key":"k"})", R"({"key":"a","key":"b"})", R"({"key":"a","model":"m"})",
        R"({"keys":"a"})", R"({"key":7})", R"({"key":["a"]})", R"({"key":"a")", R"({"key":"a"}{})",
        R"({"key":"\ud800"})"}) {
    EXPECT_FALSE(read_cancel_body(body)) << body;
  }
}

TEST(CallsJson, IsAnArrayOfObjects) {
  EXPECT_EQ(calls_json({}), "[]\n");
  llm::LiveCall call{.id = "r", .key = "k", .user = "u\n", .model = "m", .endpoint = "http://10.0.0.5/v1"};
  call.phase = llm::Phase::first_byte;
  call.queue = 1500us;
  call.total = 2s;
  call.tokens = 7;
  EXPECT_EQ(calls_json({call}),
            R"([{"id":"r","key":"k","user":"u\n","model":"m","endpoint":"http://10.0.0.5/v1","phase":"first_byte",)"
            R"("queue_ms":1.500,"total_ms":2000.000,"tokens":7}])"
            "\n");
  EXPECT_NE(calls_json({call, call}).find("},\n {"), std::string::npos);
}

}  // namespace
}  // namespace intragate::admin

#include <gtest/gtest.h>

#include <string>

#include "dialect/openai.h"

namespace intragate::dialect::openai {
namespace {

Result<llm::Call> understood(std::string_view body) {
  return understand(llm::Api::chat, body);
}

llm::Call call_of(std::string_view body) {
  Result<llm::Call> call = understood(body);
  EXPECT_TRUE(call) << body << ": " << (call ? "" : call.error().message);
  return call ? *call : llm::Call{};
}

Error error_of(std::string_view body) {
  Result<llm::Call> call = understood(body);
  EXPECT_FALSE(call) << body;
  return call ? Error{} : call.error();
}

std::string edited(const std::string& body, std::string_view model, AskUsage ask = AskUsage::no,
                   std::uint64_t most = 0) {
  const llm::Call call = call_of(body);
  const llm::Edits changes = edits(call, body, model, ask, most);
  std::string out = body;
  for (std::size_t i = changes.count; i > 0; --i) {
    const llm::Edit& edit = changes.list[i - 1];
    out.replace(edit.where.offset, edit.where.length, edit.text);
  }
  return out;
}

std::string asking(const std::string& body) {
  return edited(body, "m", AskUsage::yes);
}

TEST(Understand, FindsWhatTheGatewayNeeds) {
  const std::string body =
      R"({"model":"qwen","stream":true,"stream_options":{"include_usage":true},"messages":[],"max_tokens":512,"user":"alice"})";
  const llm::Call call = call_of(body);
  EXPECT_EQ(call.api, llm::Api::chat);
  EXPECT_EQ(call.model, "qwen");
  EXPECT_EQ(call.stream, llm::Stream::yes);
  EXPECT_EQ(call.usage, llm::UsageWish::yes);
  EXPECT_EQ(call.user, "alice");
  EXPECT_EQ(call.max_tokens, 512U);
  EXPECT_EQ(body.substr(call.model_value.offset, call.model_value.length), R"("qwen")");
  ASSERT_TRUE(call.stream_options);
  EXPECT_EQ(body.substr(call.stream_options->offset, call.stream_options->length), R"({"include_usage":true})");
  EXPECT_EQ(call.closing_brace, body.size() - 1);
}

TEST(Understand, NeedsNothingButAModel) {
  const llm::Call call = call_of(R"({"model":"m"})");
  EXPECT_EQ(call.stream, llm::Stream::no);
  EXPECT_EQ(call.usage, llm::UsageWish::unsaid);
  EXPECT_EQ(call.user, "");
  EXPECT_FALSE(call.max_tokens);
  EXPECT_FALSE(call.stream_options);
}

TEST(Understand, ReadsKeysAndNamesSpelledWithEscapes) {
  const llm::Call call =
      call_of(R"({"mod\u0065l":"\u6a21\u578b","\u0073tream":true,"us\u0065r":"a\"b","max\u005ftokens":7})");
  EXPECT_EQ(call.model, "模型");
  EXPECT_EQ(call.stream, llm::Stream::yes);
  EXPECT_EQ(call.user, "a\"b");
  EXPECT_EQ(call.max_tokens, 7U);
}

TEST(Understand, TakesNullForUnsaid) {
  const llm::Call call = call_of(
      R"({"model":"m","stream":null,"stream_options":null,"user":null,"max_tokens":null,"max_completion_tokens":null})");
  EXPECT_EQ(call.stream, llm::Stream::no);
  EXPECT_EQ(call.usage, llm::UsageWish::unsaid);
  EXPECT_EQ(call.user, "");
  EXPECT_FALSE(call.max_tokens);
}

TEST(Understand, PrefersMaxCompletionTokens) {
  EXPECT_EQ(call_of(R"({"model":"m","max_tokens":1,"max_completion_tokens":2})").max_tokens, 2U);
  EXPECT_EQ(call_of(R"({"model":"m","max_completion_tokens":2,"max_tokens":1})").max_tokens, 2U);
  EXPECT_EQ(call_of(R"({"model":"m","max_completion_tokens":null,"max_tokens":1})").max_tokens, 1U);
  EXPECT_FALSE(call_of(R"({"model":"m","max_tokens":-1})").max_tokens);  // the model will say what it thinks of it
}

TEST(Understand, LeavesUnknownAndNestedMembersAlone) {
  const llm::Call call =
      call_of(R"({"metadata":{"model":"x","user":"y"},"model":"m","messages":[{"model":"z"}],"thinking":1})");
  EXPECT_EQ(call.model, "m");
  EXPECT_EQ(call.user, "");
}

TEST(Understand, SaysWhereJsonEnds) {
  const Error error = error_of(R"({"model":"m","stream" true})");
  EXPECT_EQ(error.code, Code::invalid_json);
  EXPECT_EQ(error.message, "The request's body is not a JSON object: expected ':' after a key at byte 22.");
  for (const std::string_view body : {"", "[]", "x", R"({"model":"m")", R"({"model":"m"}{})", R"(["model"])"}) {
    EXPECT_EQ(error_of(body).code, Code::invalid_json) << body;
  }
}

TEST(Understand, RequiresAUsableModel) {
  EXPECT_EQ(error_of("{}").message, "The request does not say which `model` to use.");
  for (const std::string& value :
       {std::string{"\"\""}, std::string{"1"}, std::string{"null"}, std::string{"[\"m\"]"}, std::string{R"("\ud800")"},
        std::string{"\"\xFF\""}, '"' + std::string(513, 'm') + '"'}) {
    const Error error = error_of("{\"model\":" + value + "}");
    EXPECT_EQ(error.code, Code::invalid_request);
    EXPECT_NE(error.message.find("`model`"), std::string::npos);
  }
  EXPECT_EQ(call_of("{\"model\":\"" + std::string(512, 'm') + "\"}").model.size(), 512U);
}

TEST(Understand, RefusesWrongKindsAndNamesTheMember) {
  const std::string long_user = R"({"model":"m","user":")" + std::string(513, 'u') + "\"}";
  const std::pair<std::string, std::string> cases[] = {
      {R"({"model":"m","stream":"yes"})", "`stream`"},
      {R"({"model":"m","stream":1})", "`stream`"},
      {R"({"model":"m","stream_options":true})", "`stream_options`"},
      {R"({"model":"m","stream_options":[]})", "`stream_options`"},
      {R"({"model":"m","stream_options":{"include_usage":1}})", "include_usage"},
      {R"({"model":"m","user":5})", "`user`"},
      {long_user, "`user`"}};
  for (const auto& [body, name] : cases) {
    const Error error = error_of(body);
    EXPECT_EQ(error.code, Code::invalid_request) << body;
    EXPECT_NE(error.message.find(name), std::string::npos) << error.message;
    EXPECT_EQ(error.message.find('.', error.message.size() - 1), error.message.size() - 1) << error.message;
  }
  EXPECT_EQ(error_of(R"({"model":"m","stream_options":{"a" 1}})").code, Code::invalid_json);
}

TEST(Understand, RefusesMoreMembersThanAnyRequestHas) {
  std::string body = R"({"model":"m")";
  for (int i = 1; i < 10'000; ++i) body += ",\"a\":1";
  EXPECT_EQ(call_of(body + "}").model, "m");
  EXPECT_NE(error_of(body + ",\"a\":1}").message.find("more than 10,000 members"), std::string::npos);
}

TEST(Understand, RefusesMembersGivenTwice) {
  for (const std::string_view name :
       {"model", "stream", "stream_options", "user", "max_tokens", "max_completion_tokens"}) {
    const std::string value = name == "model" ? R"("m")" : "null";
    std::string escaped = "\\u00" + std::string{name.front() == 'm' ? "6d" : name.front() == 's' ? "73" : "75"};
    escaped += name.substr(1);
    for (const std::string& again : {std::string{name}, escaped}) {
      std::string body = "{\"" + std::string{name} + "\":" + value + ",\"" + again + "\":" + value;
      body += name == "model" ? "}" : ",\"model\":\"m\"}";
      const Error error = error_of(body);
      EXPECT_EQ(error.message, "The request says `" + std::string{name} + "` twice.") << body;
    }
  }
  EXPECT_NE(error_of(R"({"model":"m","stream_options":{"include_usage":true,"include_usage":false}})").message, "");
  EXPECT_EQ(call_of(R"({"model":"m","seed":1,"seed":2})").model, "m");  // what we do not read is the model's affair
}

TEST(Understand, RefusesOtherCaseThatSomeServersTakeForTheSame) {
  for (const std::string_view body : {R"({"model":"m","MODEL":"secret"})", R"({"Model":"m"})",
                                      R"({"model":"m","M\u006fdel":"s"})", R"({"model":"m","Stream":true})"}) {
    EXPECT_NE(error_of(body).message.find("lower case"), std::string::npos) << body;
  }
}

TEST(Edits, ChangeNothingWhenNothingMustChange) {
  const std::string body = R"( {"mod\u0065l" : "\u006d", "x":1.50} )";
  EXPECT_EQ(edited(body, "m"), body);
  EXPECT_EQ(edits(call_of(body), body, "m", AskUsage::yes).count, 0U);  // no stream
}

TEST(Edits, ReplaceTheModelAndNothingElse) {
  EXPECT_EQ(edited(R"( { "x":1.50, "mod\u0065l" : "a\"b" ,"z":[ 1e3 ]} )", "org/b\"c"),
            R"( { "x":1.50, "mod\u0065l" : "org/b\"c" ,"z":[ 1e3 ]} )");
}

TEST(Edits, AskForUsageWhereTheClientDidNot) {
  EXPECT_EQ(asking(R"({"model":"m","stream":true})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(asking("{\"model\":\"m\",\"stream\":true\n}\n"),
            "{\"model\":\"m\",\"stream\":true\n,\"stream_options\":{\"include_usage\":true}}\n");
  EXPECT_EQ(asking(R"({"model":"m","stream":true,"stream_options":null})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(asking(R"({"model":"m","stream":true,"stream_options":{}})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})");
  EXPECT_EQ(asking(R"({"model":"m","stream":true,"stream_options":{ "a":[1] }})"),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true, "a":[1] }})");
  EXPECT_EQ(asking(R"({"model":"m","stream":true,"stream_options":{"a":1,"include_usage":false,"b":2}})"),
            R"({"model":"m","stream":true,"stream_options":{"a":1,"include_usage":true,"b":2}})");
  EXPECT_EQ(asking(R"({"model":"m","stream":true,"stream_options":{"include\u005fusage":null}})"),
            R"({"model":"m","stream":true,"stream_options":{"include\u005fusage":true}})");
}

TEST(Edits, DoNotAskWhenAskedAlreadyOrNotStreamed) {
  for (const std::string body : {R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})",
                                 R"({"model":"m","stream":false})", R"({"model":"m","stream_options":{}})"}) {
    EXPECT_EQ(asking(body), body);
  }
  const std::string body = R"({"model":"m","stream":true})";
  EXPECT_EQ(edited(body, "m", AskUsage::no), body);
}

TEST(Edits, AreInOrderWhereverTheModelStands) {
  EXPECT_EQ(edited(R"({"stream":true,"stream_options":{},"model":"m"})", "n", AskUsage::yes),
            R"({"stream":true,"stream_options":{"include_usage":true},"model":"n"})");
  EXPECT_EQ(edited(R"({"model":"m","stream":true,"stream_options":{}})", "n", AskUsage::yes),
            R"({"model":"n","stream":true,"stream_options":{"include_usage":true}})");
  const std::string body = R"({"stream":true,"stream_options":{},"model":"m"})";
  const llm::Edits both = edits(call_of(body), body, "n", AskUsage::yes);
  ASSERT_EQ(both.count, 2U);
  EXPECT_LT(both.list[0].where.offset, both.list[1].where.offset);
}

std::string_view prefix_of(llm::Api api, std::string_view body) {
  const Result<llm::Call> call = understand(api, body);
  EXPECT_TRUE(call) << body;
  return session_prefix(*call, body);
}

TEST(SessionPrefix, EndsWithTheFirstMessageOfTheUser) {
  EXPECT_EQ(
      prefix_of(llm::Api::chat,
                R"({"model":"m","messages":[{"role":"system","content":"s"}, {"content":"u","role":"user"}, {}]})"),
      R"([{"role":"system","content":"s"}, {"content":"u","role":"user"})");
  EXPECT_EQ(prefix_of(llm::Api::chat, R"({"model":"m","messages":[{"role":"system"}]})"), R"([{"role":"system"}])");
  EXPECT_EQ(prefix_of(llm::Api::chat, R"({"model":"m","messages":"no list"})"), R"("no list")");
  EXPECT_EQ(prefix_of(llm::Api::chat, R"({"model":"m"})"), "");
}

TEST(SessionPrefix, IsBoundedHoweverLongTheMessages) {
  const std::string system = R"([{"role":"system","content":")" + std::string(5000, 's') + R"("},)";
  const std::string one = R"({"model":"m","messages":)" + system + R"({"role":"user","content":"a"}]})";
  const std::string two = R"({"model":"m","messages":)" + system + R"({"role":"user","content":"b"}]})";
  EXPECT_EQ(prefix_of(llm::Api::chat, one), system.substr(0, kSessionPrefix));
  EXPECT_EQ(prefix_of(llm::Api::chat, one), prefix_of(llm::Api::chat, two));
}

TEST(SessionPrefix, IsTheBeginningOfOtherPrompts) {
  EXPECT_EQ(prefix_of(llm::Api::completions, R"({"model":"m","prompt":"Once upon"})"), R"("Once upon")");
  EXPECT_EQ(prefix_of(llm::Api::embeddings, R"({"model":"m","input":["a","b"]})"), R"(["a","b"])");
  const std::string body = R"({"model":"m","prompt":")" + std::string(3000, 'p') + R"("})";
  EXPECT_EQ(prefix_of(llm::Api::completions, body).size(), kSessionPrefix);
}

TEST(Edits, BoundWhatTheClientAsksForAndNothingLess) {
  const auto bounded = [](const std::string& body) { return edited(body, "m", AskUsage::no, 100); };
  EXPECT_EQ(bounded(R"({"model":"m","max_tokens":100})"), R"({"model":"m","max_tokens":100})");
  EXPECT_EQ(bounded(R"({"model":"m","max_tokens":101})"), R"({"model":"m","max_tokens":100})");
  EXPECT_EQ(bounded(R"({"max_tokens" : -1 ,"model":"m"})"), R"({"max_tokens" : 100 ,"model":"m"})");
  EXPECT_EQ(bounded(R"({"max_tokens":1e9,"model":"m"})"), R"({"max_tokens":100,"model":"m"})");
  EXPECT_EQ(bounded(R"({"model":"m","max_tokens":null})"), R"({"model":"m","max_tokens":100})");
  EXPECT_EQ(bounded(R"({"model":"m","max_completion_tokens":500,"max_tokens":9})"),
            R"({"model":"m","max_completion_tokens":100,"max_tokens":9})");
  EXPECT_EQ(bounded("{\"model\":\"m\"\n}"), "{\"model\":\"m\"\n,\"max_tokens\":100}");
  const std::string body = R"({"model":"m","input":"x"})";
  EXPECT_EQ(edits(*understand(llm::Api::embeddings, body), body, "m", AskUsage::no, 100).count, 0U);
}

TEST(Edits, AllFourGoTogether) {
  EXPECT_EQ(
      edited(R"({"max_tokens":500,"stream":true,"max_completion_tokens":500,"model":"m"})", "n", AskUsage::yes, 7),
      R"({"max_tokens":7,"stream":true,"max_completion_tokens":7,"model":"n","stream_options":{"include_usage":true}})");
  const std::string both = edited(R"({"stream":true,"model":"m"})", "n", AskUsage::yes, 7);
  const Result<llm::Call> again = understand(llm::Api::chat, both);
  ASSERT_TRUE(again) << both;
  EXPECT_EQ(again->max_tokens, 7U);
  EXPECT_EQ(again->usage, llm::UsageWish::yes);
}

}  // namespace
}  // namespace intragate::dialect::openai

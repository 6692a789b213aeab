#include "app/explain.h"

#include <gtest/gtest.h>

#include "app/explain_running.h"

namespace intragate::app {
namespace {

const WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};
const std::string kChat = R"({"model": "m", "messages": []})";
const std::string kHi = R"({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})";

config::Key key(std::string name) {
  config::Key made;
  made.name = std::move(name);
  made.hash = std::string(63, 'a') + made.name.back();  // hexadecimal: names end in a … f
  return made;
}

std::shared_ptr<config::Config> config_with(std::vector<config::Key> keys) {
  auto config = std::make_shared<config::Config>();
  config::Model model;
  model.name = "m";
  model.endpoints.emplace_back().url = "http://10.0.0.5/v1";
  config->models.push_back(model);
  config->keys = std::move(keys);
  return config;
}

Explanation explain(const std::shared_ptr<const config::Config>& config, const std::string& key = {},
                    const std::string& path = "/v1/chat/completions") {
  return explain_request(config, {.file = {}, .request_file = {}, .key = key, .path = path}, kChat, kNow);
}

std::string finding(const Explanation& explanation, std::string_view name) {
  for (const Finding& found : explanation.findings) {
    if (found.name == name) return found.value;
  }
  return "-";
}

TEST(Explain, NamesTheKeysThatMay) {
  config::Key narrow = key("narrow-b");
  narrow.models = {"other"};
  const Explanation explanation = explain(config_with({key("wide-a"), narrow}));
  EXPECT_FALSE(explanation.refusal);
  EXPECT_EQ(finding(explanation, "keys that may"), "wide-a");
  EXPECT_EQ(finding(explanation, "endpoint m/0"), "http://10.0.0.5/v1 (weight 1)");
}

TEST(Explain, RefusesWhenNoKeyMay) {
  config::Key narrow = key("narrow-b");
  narrow.models = {"other"};
  const Explanation explanation = explain(config_with({narrow}));
  ASSERT_TRUE(explanation.refusal);
  EXPECT_EQ(explanation.refusal->code, Code::model_not_allowed);
  EXPECT_EQ(finding(explanation, "keys that may"), "none");
  EXPECT_EQ(explain(config_with({})).refusal->code, Code::invalid_key);
}

TEST(Explain, RefusesKeysThatHaveExpiredOrAreAllowedFromNowhere) {
  config::Key old = key("old-c");
  old.expires = kNow;
  config::Key nowhere = key("nowhere-d");
  nowhere.allow = AddressList{};
  const auto config = config_with({old, nowhere, key("good-e")});
  EXPECT_EQ(explain(config, "old-c").refusal->code, Code::expired_key);
  EXPECT_EQ(explain(config, "nowhere-d").refusal->code, Code::address_not_allowed);
  EXPECT_FALSE(explain(config, "good-e").refusal);
  EXPECT_EQ(finding(explain(config), "keys that may"), "good-e");
}

TEST(Explain, RefusesUrlsThatTakeNoBody) {
  const auto config = config_with({key("a")});
  EXPECT_EQ(explain(config, "", "/v1/models").refusal->code, Code::unsupported_method);
  EXPECT_EQ(explain(config, "", "/v1/nothing").refusal->code, Code::unknown_path);
}

TEST(Explain, RefusesAnApiThatTheModelsKindHasNot) {
  const auto config = config_with({key("a")});
  config->models[0].kind = "embedding";
  EXPECT_EQ(explain(config).refusal->code, Code::model_not_allowed);
  config->models[0].kind = "chat";
  EXPECT_FALSE(explain(config).refusal);
}

TEST(Explain, TellsWhereASessionWouldGo) {
  const auto config = config_with({key("a")});
  config->models[0].endpoints.emplace_back().url = "http://10.0.0.6/v1";
  EXPECT_EQ(finding(explain(config), "session"), "-");
  config->models[0].balance = config::Balance::session;
  const Explanation explanation = explain(config);
  EXPECT_EQ(finding(explanation, "balance"), "session");
  EXPECT_EQ(finding(explanation, "session"),
            "by x-session-id; without it by the key `a` and 2 bytes of the prompt's beginning");
  const std::string home = finding(explanation, "endpoint of the session");
  EXPECT_TRUE(home == "m/0" || home == "m/1") << home;
  config->zone = "room-a";
  for (std::size_t i = 0; i < 2; ++i) {
    for (config::Endpoint& endpoint : config->models[0].endpoints) endpoint.zone.clear();
    config->models[0].endpoints[i].zone = "room-a";
    const Explanation zoned = explain(config);
    const std::string near = "m/" + std::to_string(i);
    EXPECT_EQ(finding(zoned, "endpoint of the session"), near);
    EXPECT_EQ(finding(zoned, "zone room-a"), near + "; then m/" + std::to_string(1 - i));
  }
}

TEST(Explain, NamesTheRulesThatWouldApply) {
  const auto config = config_with({key("a"), key("b")});
  config->keys[1].trust_user = true;
  const auto limit = [&](config::Limit::Per per, std::string name, std::uint64_t per_minute) {
    config::Limit& rule = config->limits.emplace_back();
    rule.per = per;
    rule.name = std::move(name);
    rule.requests_per_minute = per_minute;
  };
  limit(config::Limit::Per::key, "b", 7);
  limit(config::Limit::Per::key, "", 9);
  limit(config::Limit::Per::user, "", 3);
  limit(config::Limit::Per::address, "10.0.0.0/8", 1);
  limit(config::Limit::Per::address, "", 2);
  limit(config::Limit::Per::address, "11.0.0.0/8", 4);
  const std::string body = R"({"model": "m", "messages": [], "user": "ann", "max_tokens": 10})";
  const auto told = [&](const std::string& name) {
    return explain_request(config, {.file = {}, .request_file = {}, .key = name}, body, kNow);
  };
  const Explanation both = told("");
  EXPECT_EQ(finding(both, "limit per key of a"), "limits[1]: requests_per_minute 9");
  EXPECT_EQ(finding(both, "limit per key of b"), "limits[0] (b): requests_per_minute 7");
  EXPECT_EQ(finding(both, "limit per user of b"), "limits[2]: requests_per_minute 3");
  EXPECT_EQ(finding(both, "limit per user of a"), "-") << "this key may not name users";
  EXPECT_EQ(finding(both, "limit per model"), "none");
  EXPECT_EQ(finding(both, "limit per address"),
            "limits[3] (10.0.0.0/8): requests_per_minute 1; else limits[4]: requests_per_minute 2");
  EXPECT_EQ(finding(told("b"), "limit per key"), "limits[0] (b): requests_per_minute 7");
  EXPECT_TRUE(finding(both, "tokens reserved").starts_with("prompt 16 + answer 10 "))
      << finding(both, "tokens reserved");
  config->models[0].max_answer_tokens = 4;
  EXPECT_TRUE(finding(told(""), "tokens reserved").starts_with("prompt 16 + answer 4 "));
}

TEST(Explain, TellsSlotsAndTheQueuesBounds) {
  const auto config = config_with({key("a")});
  EXPECT_EQ(finding(explain(config), "slots"), "not limited");
  EXPECT_EQ(finding(explain(config), "queue"), "-");
  config->models[0].endpoints[0].max_concurrency = config::kAutoConcurrency;
  config->models[0].endpoints.push_back(config->models[0].endpoints[0]);
  config->models[0].endpoints[1].max_concurrency = 5;
  EXPECT_EQ(finding(explain(config), "slots"), "auto + 5");
  EXPECT_EQ(finding(explain(config), "queue"), "at most 256 calls, 25 % of them one user's, each for at most 60000 ms");
  EXPECT_EQ(finding(explain(config), "limits"), "none");
}

TEST(Explain, SaysWhatARunningGatewayCanBeAsked) {
  config::Key trusted = key("b");
  trusted.trust_user = true;
  const auto asked = [](const config::Key& by) {
    return explain_request(config_with({by}), {.file = {}, .request_file = {}, .key = {}},
                           R"({"model": "m", "user": "u", "max_tokens": 7, "messages": []})", kNow)
        .present;
  };
  EXPECT_TRUE(asked(key("a"))->user.empty()) << "a name that nobody vouches for is not passed on";
  EXPECT_EQ(asked(trusted)->user, "u");
  EXPECT_EQ(asked(trusted)->most, 7U);
  EXPECT_FALSE(explain(config_with({})).present);
}

TEST(ExplainPresent, TellsTheWaitAndWhatIsLeft) {
  std::vector<Finding> found;
  explain_present(
      std::string{R"({"model":"m","key":"k","user":"","queue":{"slots":2,"used":2,"waiting":3,"position":4,)"
                  R"("wait_ms":12345.678,"refused":null},"tokens":300,"limits":[{"per":"key",)"
                  R"("rule":"limits[1]","limit":"requests_per_minute","of":60,"left":58,"reset_ms":2000.000},)"
                  R"({"per":"user","rule":"limits[0]","limit":"concurrency","of":4,"left":4,"reset_ms":null}]})"},
      found);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0].value, "about 12.3 s at position 4; 3 wait, 2 of 2 slots are in use");
  EXPECT_EQ(found[1].value, "300");
  EXPECT_EQ(found[2].value, "58 of 60 requests_per_minute (limits[1]), all of it in 2.0 s");
  EXPECT_EQ(found[3].value, "4 of 4 concurrency (limits[0])");
}

TEST(ExplainPresent, SaysThatNobodyRunsAndSurvivesWhateverAnswers) {
  std::vector<Finding> found;
  explain_present(make_error(Code::io, "offline: nobody"), found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].value, "offline: nobody");
  for (const char* const answer : {"", "[]", "{", R"({"queue":[1],"limits":{"a":1}})", R"({"queue":{"wait_ms":"x"}})"})
    explain_present(std::string{answer}, found);
}

TEST(Explain, ShowsWhatOtherApisBecomeInChat) {
  const auto config = config_with({key("a")});
  const std::string body =
      R"({"model":"m","max_tokens":8,"messages":[{"role":"user","content":"Hi"}],"system":"Be brief."})";
  const Explanation explanation =
      explain_request(config, {.file = {}, .request_file = {}, .key = {}, .path = "/v1/messages"}, body, kNow);
  EXPECT_EQ(finding(explanation, "api"), "messages");
  EXPECT_EQ(
      finding(explanation, "asked in chat"),
      R"({"model":"m","max_tokens":8,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]})");
  EXPECT_FALSE(explanation.refusal);
  config->keys[0].apis = {"chat"};
  EXPECT_EQ(explain_request(config, {.file = {}, .request_file = {}, .key = {}, .path = "/v1/messages"}, body, kNow)
                .refusal->code,
            Code::api_not_allowed);
}

TEST(Explain, ShowsWhatACompletionOfAChatModelBecomes) {
  const auto config = config_with({key("a")});
  config->models[0].kind = "chat";
  const Explanation explanation =
      explain_request(config, {.file = {}, .request_file = {}, .key = {}, .path = "/v1/completions"},
                      R"({"model":"m","prompt":"Hi"})", kNow);
  EXPECT_EQ(finding(explanation, "asked in chat"), R"({"model":"m","messages":[{"role":"user","content":"Hi"}]})");
  EXPECT_FALSE(explanation.refusal);
}

TEST(Explain, ListsRepairsAndWhatBecomesOfThoughts) {
  const auto config = config_with({key("a")});
  config->models[0].reasoning = config::Reasoning::drop;
  EXPECT_NE(finding(explain(config), "repairs").find("tool_calls"), std::string::npos);
  EXPECT_EQ(finding(explain(config), "thoughts"), "drop");
  config->models[0].repair_except = {"usage", "tool_calls"};
  EXPECT_EQ(finding(explain(config), "repairs"),
            "object, id, choices, index, delta, content, empty_delta, finish_reason, error, done");
  config->models[0].repair = false;
  EXPECT_EQ(finding(explain(config), "repairs"), "none (repair: false)");
}

TEST(Explain, RefusesWhatNoEndpointTakes) {
  const auto config = config_with({key("a")});
  config->models[0].endpoints[0].dialect = "tgi";
  const ExplainOptions options{.file = {}, .request_file = {}, .key = {}, .path = "/v1/embeddings"};
  const std::string body = R"({"model":"m","input":"x"})";
  const Explanation none = explain_request(config, options, body, kNow);
  ASSERT_TRUE(none.refusal);
  EXPECT_EQ(none.refusal->code, Code::invalid_request);
  EXPECT_EQ(finding(none, "refused for m/0"), none.refusal->message);
  EXPECT_EQ(finding(none, "repairs"), "-");  // of no use here
  config->models[0].endpoints.emplace_back().url = "http://10.0.0.6/v1";
  EXPECT_FALSE(explain_request(config, options, body, kNow).refusal);
  EXPECT_EQ(finding(explain_request(config, options, body, kNow), "repairs"), "object, model, usage, error");
}

TEST(Explain, ShowsARankingThatIsMadeOfVectors) {
  const auto config = config_with({key("a")});
  config->models[0].kind = "embedding";
  config->models[0].endpoints[0].path = "/v1";
  const Explanation explanation =
      explain_request(config, {.file = {}, .request_file = {}, .key = {}, .path = "/v1/rerank"},
                      R"({"model":"m","query":"q","documents":["d"]})", kNow);
  EXPECT_FALSE(explanation.refusal);
  EXPECT_EQ(finding(explanation, "sent to m/0"), "POST /v1/embeddings");
  EXPECT_EQ(finding(explanation, "body for m/0"), R"({"model":"m","input":["q","d"],"encoding_format":"float"})");
  EXPECT_EQ(finding(explanation, "repairs"), "-");
}

TEST(Explain, NamesHeadersOfATemplateWithoutWhatTheySay) {
  const auto config = config_with({key("a")});
  config::Endpoint& endpoint = config->models[0].endpoints[0];
  endpoint.dialect = "template";
  endpoint.chat_template = "chatml";
  endpoint.custom.path = "/ask";
  endpoint.custom.body = "{}";
  endpoint.custom.headers = {{"X-App", config::Secret{"hidden-7"}}, {"X-Two", config::Secret{"hidden-8"}}};
  endpoint.custom.answer.text = "/text";
  const Explanation explanation = explain_request(config, {}, kHi, kNow);
  EXPECT_FALSE(explanation.refusal);
  EXPECT_EQ(finding(explanation, "headers for m/0"), "X-App, X-Two (what they say is not shown)");
  for (const Finding& found : explanation.findings) EXPECT_EQ(found.value.find("hidden"), std::string::npos);
}

TEST(Explain, TellsThePartsOfALongList) {
  const auto config = config_with({key("a")});
  config->models[0].batch_items = 2;
  const ExplainOptions options{.file = {}, .request_file = {}, .key = {}, .path = "/v1/embeddings"};
  const auto parts = [&](const std::string& input) {
    return finding(explain_request(config, options, R"({"model":"m","input":)" + input + "}", kNow), "parts");
  };
  EXPECT_EQ(parts(R"(["a","b","c"])"), "2 of at most 2 inputs, each with its own attempts");
  EXPECT_EQ(parts(R"(["a","b"])"), "-");
  EXPECT_EQ(parts("[1,2,3]"), "-");
}

}  // namespace
}  // namespace intragate::app

// `models` of the file.
#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

constexpr std::string_view kEndpoints = "endpoints: [{url: \"http://10.0.0.1\"}]";

// One model `m` with further keys.
Loaded load_model(const std::string& keys) {
  return load("models:\n  - {name: m, " + std::string{kEndpoints} + ", " + keys + "}\n");
}
// One endpoint of the model `m`, as its keys.
Loaded load_endpoint(const std::string& keys, const Environment& environment = {}) {
  return load("models: [{name: m, endpoints: [{" + keys + "}]}]\n", environment);
}

TEST(ConfigModels, LeaveRepairsOutByTheirNames) {
  const Loaded loaded = load_model("repair: true, repair_except: [usage, done]");
  EXPECT_EQ(loaded.config.models[0].repair_except, (std::vector<std::string>{"usage", "done"}));
  EXPECT_TRUE(contains(all_problems(load_model("repair_except: [usages]")), "did you mean `usage`?"));
  EXPECT_TRUE(contains(all_warnings(load_model("repair: false, repair_except: [usage]")), "has no effect"));
}

TEST(ConfigModels, ReadEveryKey) {
  const Loaded loaded = load(R"(
stream_buffer: 8KiB
models:
  - name: qwen
    aliases: [gpt-4o-mini, gpt-4o]
    kind: chat
    context_window: 32768
    max_answer_tokens: 2000
    balance: round_robin
    stream_buffer: 16KiB
    timeouts: {connect: 1s, first_byte: 2s, between_chunks: 3s, total: 4m}
    retry: {attempts: 5, backoff: 100ms, max_backoff: 1s, budget: 30%}
    hedge: {after: 1s, budget: 7%}
    continue_on_failure: true
    health: {failures: 7, cooldown: 20s, probe: 5s}
    endpoints:
      - url: http://10.0.0.5:8000/v1
        dialect: openai
        model: Qwen/Qwen2.5-7B-Instruct
        auth: {type: bearer, key: "${KEY}"}
        weight: 3
        ask_usage: false
      - url: http://10.0.0.6
  - name: second
    endpoints: [{url: "http://h"}]
)",
                             {{"KEY", "t0ken"}});
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  ASSERT_EQ(loaded.config.models.size(), 2U);
  const Model& model = loaded.config.models[0];
  EXPECT_EQ(model.name, "qwen");
  EXPECT_EQ(model.aliases, (std::vector<std::string>{"gpt-4o-mini", "gpt-4o"}));
  EXPECT_EQ(model.kind, "chat");
  EXPECT_EQ(model.context_window, 32768U);
  EXPECT_EQ(model.max_answer_tokens, 2000U);
  EXPECT_EQ(model.balance, Balance::round_robin);
  EXPECT_EQ(model.stream_buffer, 16 * kKiB);
  EXPECT_EQ(model.timeouts, (ModelTimeouts{.connect = 1s, .first_byte = 2s, .between_chunks = 3s, .total = 4min}));
  EXPECT_EQ(model.retry, (RetryPolicy{.attempts = 5, .backoff = 100ms, .max_backoff = 1s, .budget_percent = 30}));
  EXPECT_EQ(model.hedge, (Hedge{.on = true, .after = 1s, .budget_percent = 7}));
  EXPECT_TRUE(model.continue_on_failure);
  EXPECT_EQ(model.health, (Health{.failures = 7, .cooldown = 20s, .probe = 5s}));
  EXPECT_EQ(model.first_byte_key, "models[qwen].timeouts.first_byte");
  EXPECT_EQ(model.timeouts_key, "models[qwen].timeouts");
  ASSERT_EQ(model.endpoints.size(), 2U);
  const Endpoint& endpoint = model.endpoints[0];
  EXPECT_EQ(endpoint.url, "http://10.0.0.5:8000/v1");
  EXPECT_EQ(endpoint.host_header, "10.0.0.5:8000");
  EXPECT_EQ(endpoint.model, "Qwen/Qwen2.5-7B-Instruct");
  EXPECT_EQ(endpoint.auth.type, AuthType::bearer);
  EXPECT_EQ(endpoint.auth.key.reveal(), "t0ken");
  EXPECT_EQ(endpoint.weight, 3U);
  EXPECT_FALSE(endpoint.ask_usage);
  EXPECT_EQ(loaded.config.models[1].stream_buffer, 8 * kKiB) << "the file's own is the default of its models";
  EXPECT_EQ(
      all_warnings(loaded),
      "test.yaml:2:1: there are no keys here: every call with another than those of `intragate keys` is refused\n");
}

TEST(ConfigModels, MustBeThereAndHaveEndpoints) {
  EXPECT_EQ(all_problems(load("drain: 1s\n")), "test.yaml:1:1: `models` is missing\n");
  EXPECT_TRUE(contains(all_problems(load("models: []\n")), "must name at least one model"));
  EXPECT_TRUE(
      contains(all_problems(load("models: [{name: m}]\n")), "test.yaml:1:10: `endpoints` is missing in models[0]"));
  EXPECT_TRUE(
      contains(all_problems(load("models: [{name: m, endpoints: []}]\n")), "a model needs at least one endpoint"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: m, endpoints: [{}]}]\n")),
                       "`url` is missing in models[0].endpoints[0]"));
}

TEST(ConfigModels, NamesAndAliasesAreUniqueOverAllModels) {
  const std::string two = "models:\n  - {name: a, aliases: [b], " + std::string{kEndpoints} + "}\n  - {name: ";
  EXPECT_TRUE(contains(all_problems(load(two + "a, " + std::string{kEndpoints} + "}\n")),
                       "test.yaml:3:12: the model name `a` is already taken by models[0]"));
  EXPECT_TRUE(
      contains(all_problems(load(two + "b, " + std::string{kEndpoints} + "}\n")), "`b` is already taken by models[0]"));
  EXPECT_TRUE(contains(all_problems(load(two + "c, aliases: [a], " + std::string{kEndpoints} + "}\n")),
                       "`a` is already taken"));
  EXPECT_TRUE(load(two + "c, aliases: [d], " + std::string{kEndpoints} + "}\n").ok());
}

TEST(ConfigModels, AStarIsAloneAndOnce) {
  const std::string star = "  - {name: \"*\", " + std::string{kEndpoints};
  EXPECT_TRUE(load("models:\n" + star + "}\n").ok());
  EXPECT_TRUE(contains(all_problems(load("models:\n" + star + "}\n" + star + "}\n")), "already taken"));
  EXPECT_TRUE(contains(all_problems(load("models:\n" + star + ", aliases: [a]}\n")), "cannot have aliases"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: \"*\", endpoints: [{url: \"http://h\", model: x}]}]\n")),
                       "keeps the names that it lists itself"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: \"qwen*\", " + std::string{kEndpoints} + "}]\n")),
                       "a model's name is plain"));
  EXPECT_TRUE(contains(all_problems(load_model("aliases: [\"a*\"]")), "an alias is a plain name"));
  EXPECT_TRUE(contains(all_problems(load_model("aliases: [\"\"]")), "an alias is empty"));
}

TEST(ConfigModels, NamesAreText) {
  EXPECT_TRUE(contains(all_problems(load("models: [{name: \"a\\nb\", " + std::string{kEndpoints} + "}]\n")),
                       "control characters"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: \"\", " + std::string{kEndpoints} + "}]\n")),
                       "must be 1 to 4096 bytes"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: [a], " + std::string{kEndpoints} + "}]\n")),
                       "must be one value, not a list"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: , " + std::string{kEndpoints} + "}]\n")), "has no value"));
}

TEST(ConfigModels, ChoicesAreCheckedWithSuggestions) {
  EXPECT_TRUE(contains(all_problems(load_model("kind: embeding")), "did you mean `embedding`?"));
  EXPECT_TRUE(contains(all_problems(load_model("balance: roundrobin")), "did you mean `round_robin`?"));
  EXPECT_EQ(load_model("balance: session").config.models[0].balance, Balance::session);
  EXPECT_TRUE(contains(all_problems(load_endpoint("url: \"http://h\", dialect: open-ai")), "did you mean `openai`?"));
  EXPECT_TRUE(contains(all_problems(load_endpoint("url: \"http://h\", ask_usage: no")), "did you mean `false`?"));
}

TEST(ConfigModels, GrpcIsChosenByUrlOrDialect) {
  EXPECT_EQ(load_endpoint("url: \"grpcs://h:8001\"").config.models[0].endpoints[0].dialect, "triton-grpc");
  const Loaded by_dialect = load_endpoint("url: \"http://h:8001\", dialect: triton-grpc, triton: {model: m}");
  EXPECT_EQ(by_dialect.config.models[0].endpoints[0].path, "");
  EXPECT_FALSE(contains(all_warnings(by_dialect), "triton"));
  EXPECT_TRUE(
      contains(all_problems(load_endpoint("url: \"grpc://h:8001\", dialect: triton")), "needs `dialect: triton-grpc`"));
}

TEST(ConfigModels, TensorsAreNameTypeMemberAndDefault) {
  const auto inputs = [](const std::string& list) {
    return load_endpoint("url: \"http://h\", dialect: triton, triton: {inputs: [" + list + "]}");
  };
  const Loaded good =
      inputs("\"len INT64 max_tokens 256\", \"  live   BOOL stream\", \"heat FP32 temperature 0.5\", a BYTES stop");
  EXPECT_EQ(all_problems(good), "");
  const std::vector<TritonInput> read = good.config.models[0].endpoints[0].triton.inputs;
  ASSERT_EQ(read.size(), 4U);
  EXPECT_EQ(read[0], (TritonInput{"len", TensorType::int64, "max_tokens", "256"}));
  EXPECT_EQ(read[1], (TritonInput{"live", TensorType::boolean, "stream", ""}));
  EXPECT_EQ(read[2], (TritonInput{"heat", TensorType::fp32, "temperature", "0.5"}));
  for (const char* wrong :
       {"x", "x INT32", "x INT8 top_k", "x INT32 top", "x BYTES top_k", "x BOOL top_k", "x FP32 stop", "x INT32 stream",
        "x INT32 top_k 1.5", "x INT32 top_k many", "x BOOL stream true", "x FP32 top_p 0.", "x FP32 top_p .5",
        "x INT32 top_k 007", "x FP32 top_p 1e5", "x INT32 top_k 1 2"}) {
    EXPECT_TRUE(contains(all_problems(inputs('"' + std::string{wrong} + '"')), "NAME TYPE MEMBER")) << wrong;
  }
}

TEST(ConfigModels, NumbersHaveRanges) {
  EXPECT_TRUE(contains(all_problems(load_model("retry: {attempts: 0}")), "`0` is outside 1..10"));
  EXPECT_TRUE(contains(all_problems(load_model("retry: {attempts: 11}")), "`11` is outside 1..10"));
  EXPECT_TRUE(contains(all_problems(load_model("retry: {attempts: 4294967297}")), "is outside 1..10"));
  EXPECT_TRUE(contains(all_problems(load_model("retry: {budget: 120%}")), "`120%` is outside 0%..100%"));
  EXPECT_TRUE(contains(all_problems(load_model("retry: {budget: 20}")), "did you mean `20%`?"));
  EXPECT_TRUE(contains(all_problems(load_model("stream_buffer: 1")), "is outside 1KiB..64MiB"));
  EXPECT_TRUE(contains(all_problems(load_model("timeouts: {first_byte: 25sec}")), "did you mean `25s`?"));
  EXPECT_TRUE(contains(all_problems(load_model("health: {probe: 1ns}")), "is not a duration"));
  EXPECT_TRUE(contains(all_problems(load_model("health: {probe: 999ms}")), "is outside 1s..1h"));
  EXPECT_EQ(load_model("health: {probe: off}").config.models[0].health.probe, 0s);
}

TEST(ConfigModels, HedgesOnlyWhenAsked) {
  EXPECT_FALSE(load_model("retry: {}").config.models[0].hedge.on);
  EXPECT_EQ(load_model("hedge: {}").config.models[0].hedge, (Hedge{.on = true, .after = 0s, .budget_percent = 5}));
  EXPECT_EQ(load_model("hedge: {after: p95}").config.models[0].hedge.after, 0s);
  EXPECT_FALSE(load_model("hedge: {after: p99}").ok());
  EXPECT_FALSE(load_model("hedge: {after: off}").ok());
  EXPECT_TRUE(contains(all_warnings(load_model("hedge: {}")), "one endpoint"));
  EXPECT_TRUE(contains(all_warnings(load_model("continue_on_failure: true")), "one endpoint"));
}

TEST(ConfigModels, RemarksOnLimitsThatNeverMatter) {
  EXPECT_TRUE(contains(all_warnings(load_model("timeouts: {first_byte: 20m}")), "is longer than `total`"));
  EXPECT_FALSE(contains(all_warnings(load_model("timeouts: {total: 1s}")), "longer"))
      << "the default is nobody's mistake";
  EXPECT_TRUE(contains(all_warnings(load_model("retry: {backoff: 10s}")), "is longer than `max_backoff`"));
  EXPECT_TRUE(contains(all_warnings(load_model("health: {max_cooldown: 5s}")), "is shorter than `cooldown`"));
  EXPECT_FALSE(contains(all_warnings(load_model("health: {cooldown: 5m}")), "shorter"));
}

TEST(ConfigModels, HealthSaysWhenAnEndpointGetsNoCallsAndHowItComesBack) {
  const Loaded loaded = load_model(
      "health: {failures: 4, window: 30s, min_calls: 5, error_rate: 40%, slow: 20s, slow_rate: 90%, outlier: 25%, "
      "panic: 50%, cooldown: 7s, max_cooldown: 2m, probes: 3, slow_start: off, probe: 15s}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  const Health wanted{.failures = 4,
                      .window = 30s,
                      .min_calls = 5,
                      .error_percent = 40,
                      .slow = 20s,
                      .slow_percent = 90,
                      .outlier_percent = 25,
                      .panic_percent = 50,
                      .cooldown = 7s,
                      .max_cooldown = 2min,
                      .probes = 3,
                      .slow_start = 0s,
                      .probe = 15s};
  EXPECT_EQ(loaded.config.models[0].health, wanted);
  EXPECT_EQ(load_model("stream_buffer: 4KiB").config.models[0].health, Health{});
}

TEST(ConfigModels, ZonesOfGatewayAndEndpointsBelongTogether) {
  const std::string there = "models: [{name: m, endpoints: [{url: \"http://h\", zone: room-a}]}]\n";
  const Loaded both = load("zone: room-a\n" + there);
  ASSERT_TRUE(both.ok()) << all_problems(both);
  EXPECT_EQ(both.config.zone, "room-a");
  EXPECT_EQ(both.config.models[0].endpoints[0].zone, "room-a");
  EXPECT_FALSE(contains(all_warnings(both), "zone")) << all_warnings(both);
  EXPECT_TRUE(contains(all_warnings(load(there)), "has no effect without the gateway's own `zone`"));
  EXPECT_TRUE(contains(all_warnings(load("zone: room-b\n" + there)), "no endpoint stands in the zone `room-b`"))
      << all_warnings(load("zone: room-b\n" + there));
}

TEST(ConfigModels, HintsWithoutDangerAreRemarks) {
  const Loaded loaded = load_model("batch: {window: 5ms}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  for (const char* key : {"batch.window"}) {
    EXPECT_TRUE(contains(all_warnings(loaded), "`models[0]." + std::string{key} + "` is known, but has no effect"))
        << key;
  }
}

TEST(ConfigModels, WhatWouldBeDangerousToIgnoreIsRefused) {
  EXPECT_TRUE(contains(all_problems(load_model("cache: {exact: 10m}")), "`cache` is not available in this version"));
}

TEST(ConfigModels, TlsTowardsAModelNeedsHttpsAndWholePairs) {
  EXPECT_TRUE(contains(all_problems(load_endpoint("url: \"http://h\", tls: {server_name: a}")),
                       "needs a URL that begins with https://"));
  EXPECT_TRUE(contains(all_problems(load_endpoint("url: \"https://h\", tls: {pin: [\"sha256:12\"]}")),
                       "a pin is sha256: and 64 hexadecimal digits"));
  EXPECT_TRUE(contains(all_problems(load_endpoint("url: \"https://h\", tls: {certificate: /nowhere/c.pem}")),
                       "belong together"));
  const Loaded blind = load_endpoint("url: \"https://h\", tls: {dangerously_trust_anyone: true}");
  EXPECT_TRUE(blind.ok());
  ASSERT_FALSE(blind.config.warnings.empty());
  EXPECT_TRUE(contains(blind.config.warnings.front(), "can read and change everything"));
}

TEST(ConfigModels, UrlsHaveTheirPlaceAndSuggestion) {
  EXPECT_EQ(
      all_problems(load_endpoint("url: \"http://h/v1/chat/completions\"")),
      "test.yaml:1:38: `models[0].endpoints[0].url`: the URL must be the base of the API, without `/chat/completions`; "
      "did you mean `http://h/v1`?\n");
  EXPECT_TRUE(load_endpoint("url: \"https://h\"").ok());
}

TEST(ConfigModels, AnAddressOutsideEgressIsRemarked) {
  EXPECT_TRUE(
      contains(all_warnings(load_endpoint("url: \"http://8.8.8.8\"")), "`egress.allow` does not contain 8.8.8.8"));
  const Loaded allowed = load("egress: {allow: any}\nmodels: [{name: m, endpoints: [{url: \"http://8.8.8.8\"}]}]\n");
  EXPECT_FALSE(contains(all_warnings(allowed), "egress"));
}

TEST(EndpointAuth, NeedsWhatItsTypeNeeds) {
  const std::string url = "url: \"http://h\", auth: ";
  EXPECT_TRUE(
      contains(all_problems(load_endpoint(url + "{key: x}")), "`type` is missing in models[0].endpoints[0].auth"));
  EXPECT_TRUE(contains(all_problems(load_endpoint(url + "{type: bearer}")), "the key is missing"));
  EXPECT_TRUE(contains(all_problems(load_endpoint(url + "{type: basic, key: x}")), "user:password"));
  EXPECT_TRUE(contains(all_problems(load_endpoint(url + "{type: barer, key: x}")), "did you mean `bearer`?"));
  EXPECT_TRUE(contains(all_warnings(load_endpoint(url + "{type: none, key: x}")), "is never sent"));
  const Loaded header = load_endpoint(url + "{type: \"header:X-Api-Key\", key: x}");
  ASSERT_TRUE(header.ok()) << all_problems(header);
  EXPECT_EQ(header.config.models[0].endpoints[0].auth.header, "X-Api-Key");
}

TEST(EndpointAuth, SecretsNeverReachMessages) {
  const Environment environment{{"KEY", "hunter2\n"}, {"URL", "http://10.0.0.1/hunter2 hunter2"}};
  const Loaded key = load_endpoint("url: \"http://h\", auth: {type: bearer, key: \"${KEY}\"}", environment);
  EXPECT_FALSE(key.ok());
  EXPECT_FALSE(contains(all_problems(key), "hunter2")) << all_problems(key);
  const Loaded url = load_endpoint("url: \"${URL}\"", environment);
  EXPECT_FALSE(url.ok());
  EXPECT_FALSE(contains(all_problems(url), "hunter2")) << all_problems(url);
  for (const char* place :
       {"weight: \"${KEY}\"", "dialect: \"${KEY}\"", "auth: {type: \"${KEY}\"}", "ask_usage: \"${KEY}\""}) {
    const Loaded loaded = load_endpoint("url: \"http://h\", " + std::string{place}, environment);
    EXPECT_FALSE(loaded.ok()) << place;
    EXPECT_FALSE(contains(all_problems(loaded), "hunter2")) << all_problems(loaded);
  }
}

}  // namespace
}  // namespace intragate::config

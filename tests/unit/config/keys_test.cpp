// `keys` of the file.
#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

const std::string kHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

Loaded load_keys(const std::string& keys, const Environment& environment = {}) {
  return load(std::string{kOneModel} + "keys: [" + keys + "]\n", environment);
}

TEST(ConfigKeys, ReadEveryKey) {
  const Loaded loaded = load_keys(
      "{name: dify, key: \"${K}\", allow: [10.0.1.0/24], models: [m, \"q*\", \"!q-secret\"], apis: [chat, embeddings], "
      "trust_user: true, "
      "stream_usage: always, while_waiting: interim, expires: 2027-01-01T00:00:00Z}, {name: b, hash: \"sha256:" +
          kHash + "\"}",
      {{"K", "sk-11111"}});
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  ASSERT_EQ(loaded.config.keys.size(), 2U);
  const Key& key = loaded.config.keys[0];
  EXPECT_EQ(key.name, "dify");
  EXPECT_EQ(key.hash, fake_hash("sk-11111"));
  EXPECT_EQ(key.allow.ranges().size(), 1U);
  EXPECT_EQ(key.models, (std::vector<std::string>{"m", "q*", "!q-secret"}));
  EXPECT_EQ(key.apis, (std::vector<std::string>{"chat", "embeddings"}));
  EXPECT_TRUE(key.trust_user);
  EXPECT_EQ(key.stream_usage, StreamUsage::always);
  EXPECT_EQ(key.while_waiting, WhileWaiting::interim);
  EXPECT_EQ(key.expires, WallTime{std::chrono::sys_days{std::chrono::year{2027} / 1 / 1}});
  const Key& plain = loaded.config.keys[1];
  EXPECT_EQ(plain.hash, kHash);
  EXPECT_EQ(plain.allow, AddressList::any());
  EXPECT_EQ(plain.models, std::vector<std::string>{"*"});
  EXPECT_FALSE(plain.expires);
}

TEST(ConfigKeys, AreHashedAtOnceAndNotKept) {
  const Loaded loaded = load_keys("{name: a, key: sk-11111}");
  EXPECT_TRUE(loaded.config.keys[0].plain.empty());
  const Loaded without_hasher =
      load_yaml(std::string{kOneModel} + "keys: [{name: a, key: sk-11111}]", "t", {}, nullptr);
  EXPECT_EQ(without_hasher.config.keys[0].plain.reveal(), "sk-11111");
  EXPECT_EQ(without_hasher.config.keys[0].hash, "");
}

TEST(ConfigKeys, NeedOneOfHashAndKey) {
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a}")), "test.yaml:2:8: keys[0] needs `hash` or `key`"));
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a, key: test-key, hash: y}")), "has both"));
}

TEST(ConfigKeys, AHashHas64Digits) {
  EXPECT_EQ(load_keys("{name: a, hash: \"SHA256:" + kHash + "\"}").problems.size(), 1U);
  EXPECT_EQ(load_keys("{name: a, hash: \"" + kHash + "\"}").problems.size(), 1U);
  EXPECT_EQ(load_keys("{name: a, hash: \"sha256:" + kHash.substr(1) + "\"}").problems.size(), 1U);
  EXPECT_EQ(load_keys("{name: a, hash: \"sha256:" + kHash.substr(1) + "g\"}").problems.size(), 1U);
  EXPECT_EQ(load_keys("{name: a, hash: \"sha256:9F86" + kHash.substr(4) + "\"}").config.keys[0].hash, kHash);
}

TEST(ConfigKeys, NeverReachMessages) {
  for (const char* keys :
       {"{name: a, hash: sk-hunter22}", "{name: a, key: \"hunter22 x\"}", "{name: a, key: hunter22, hash: hunter22}",
        "{name: a, key: hunter22}, {name: b, key: hunter22}"}) {
    const Loaded loaded = load_keys(keys);
    EXPECT_FALSE(loaded.ok()) << keys;
    EXPECT_FALSE(contains(all_problems(loaded), "hunter22")) << all_problems(loaded);
  }
}

TEST(ConfigKeys, AreUniqueByNameAndByValue) {
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a, key: test-key}, {name: a, key: othr-key}")),
                       "the key name `a` is already taken by keys[0]"));
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a, key: test-key}, {name: b, key: test-key}")),
                       "the same key as that of keys[0]"));
}

TEST(ConfigKeys, ApisAreThoseThereAre) {
  const Loaded loaded = load_keys("{name: a, key: test-key, apis: [chat, embedings]}");
  EXPECT_TRUE(contains(all_problems(loaded), "`embedings` is no API; did you mean `embeddings`?"));
  EXPECT_TRUE(contains(all_warnings(load_keys("{name: a, key: test-key, apis: []}")), "no API may be used"));
  EXPECT_EQ(load_keys("{name: a, key: test-key}").config.keys[0].apis, std::vector<std::string>{"*"});
}

TEST(ConfigKeys, ApisMayBePatternsAndDenied) {
  const Loaded loaded = load_keys("{name: a, key: test-key, apis: [\"*\", \"!chat\", \"emb*\", \"!s*\"]}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.keys[0].apis, (std::vector<std::string>{"*", "!chat", "emb*", "!s*"}));
  for (const char* wrong : {"\"!\"", "\"!!chat\"", "\"!chatt\"", "\"x*\"", "\"\""}) {
    EXPECT_TRUE(
        contains(all_problems(load_keys("{name: a, key: test-key, apis: [" + std::string{wrong} + "]}")), "is no API"))
        << wrong;
  }
  EXPECT_TRUE(contains(all_warnings(load_keys("{name: a, key: test-key, apis: [\"!chat\"]}")), "allows nothing"));
}

TEST(ConfigKeys, ModelsAreNamesOrPatterns) {
  EXPECT_TRUE(
      contains(all_problems(load_keys("{name: a, key: test-key, models: [\"!\"]}")), "`!` before it denies it"));
  EXPECT_TRUE(contains(all_warnings(load_keys("{name: a, key: test-key, models: [\"!m\"]}")), "allows nothing"));
  EXPECT_TRUE(
      contains(all_warnings(load_keys("{name: a, key: test-key, models: [\"*\", \"!n\"]}")), "there is no model `!n`"));
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a, key: test-key, models: [\"\"]}")), "test.yaml:2:42: "));
  EXPECT_TRUE(
      contains(all_problems(load_keys("{name: a, key: test-key, models: m}")), "must be a list, not one value"));
  EXPECT_TRUE(contains(all_warnings(load_keys("{name: a, key: test-key, models: [n]}")),
                       "there is no model `n` for the key `a`"));
  EXPECT_EQ(all_warnings(load_keys("{name: a, key: test-key, models: [m, \"*\", \"m*\"]}")), "");
  EXPECT_TRUE(contains(all_warnings(load_keys("{name: a, key: test-key, models: []}")), "no model may be used"));
  EXPECT_TRUE(load_keys("{name: a, key: test-key, models: []}").config.keys[0].models.empty());
}

TEST(ConfigKeys, AnEmptyAllowListMeansNobody) {
  const Loaded loaded = load_keys("{name: a, key: test-key, allow: []}");
  EXPECT_TRUE(loaded.config.keys[0].allow.empty());
  EXPECT_TRUE(contains(all_warnings(loaded), "nobody may use this key"));
}

TEST(ConfigKeys, ExpireAtMomentsInUtc) {
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a, key: test-key, expires: 2027-01-01}")),
                       "did you mean `2027-01-01T00:00:00Z`?"));
}

TEST(ConfigKeys, ThatHaveExpiredAreRemarked) {
  const Loaded past = load_keys("{name: a, key: test-key, expires: 2020-01-01T00:00:00Z}");
  ASSERT_TRUE(past.ok()) << all_problems(past);
  EXPECT_TRUE(contains(all_warnings(past), "`keys[0].expires` is past: this key is refused"));
  EXPECT_EQ(all_warnings(load_keys("{name: a, key: test-key, expires: 2199-01-01T00:00:00Z}")), "");
}

TEST(ConfigKeys, OfExamplesAreRefused) {
  EXPECT_TRUE(contains(all_problems(load_keys("{name: a, key: sk-...}")), "`keys[0].key`: this is the placeholder"));
}

TEST(ConfigKeys, APolicyNeedsToKnowTheirAge) {
  const std::string model{kOneModel};
  const std::string young = "keys: [{name: a, key: test-key, created: 2026-01-01T00:00:00Z}]\n";
  const std::string ageless = "keys: [{name: a, key: test-key}]\n";
  const Loaded known = load(model + young + "key_policy: {max_age: 90d, warn: 7d, enforce: true}\n");
  ASSERT_TRUE(known.ok()) << all_problems(known);
  EXPECT_EQ(known.config.key_policy.max_age, std::chrono::hours{24 * 90});
  EXPECT_EQ(known.config.key_policy.warn, std::chrono::hours{24 * 7});
  EXPECT_TRUE(known.config.key_policy.enforce);
  EXPECT_EQ(known.config.keys[0].created, WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}});
  const Loaded told = load(model + ageless + "key_policy: {max_age: 90d}\n");
  EXPECT_TRUE(told.ok());
  EXPECT_TRUE(contains(all_warnings(told), "the age of the key `a` is not known"));
  EXPECT_TRUE(contains(all_problems(load(model + ageless + "key_policy: {max_age: 90d, enforce: true}\n")),
                       "the age of the key `a` is not known"));
  EXPECT_TRUE(contains(all_warnings(load(model + young + "key_policy: {enforce: true}\n")), "has no effect without"));
}

TEST(ConfigKeys, WhoGuessesIsToldToWaitUnlessItIsSwitchedOff) {
  const Loaded loaded = load(std::string{kOneModel} + "keys: [{name: a, key: test-key}]\n" +
                             "wrong_keys: {limit: 0, window: 2m, pause: 5m, except: [10.0.0.0/24]}\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.wrong_keys.limit, 0U);
  EXPECT_EQ(loaded.config.wrong_keys.window, std::chrono::minutes{2});
  EXPECT_EQ(loaded.config.wrong_keys.pause, std::chrono::minutes{5});
  EXPECT_EQ(loaded.config.wrong_keys.except.ranges().size(), 1U);
}

TEST(ConfigKeys, TheirAbsenceIsRemarked) {
  EXPECT_TRUE(contains(all_warnings(load(kOneModel)), "there are no keys here"));
}

}  // namespace
}  // namespace intragate::config

#include <gtest/gtest.h>

#include "loading.h"

namespace intragate::config {
namespace {

Loaded load_limits(const std::string& lines) {
  return load("models: [{name: m, endpoints: [{url: \"http://10.0.0.1\"}]}]\nlimits:\n" + lines);
}

TEST(ConfigLimits, EveryFieldIsRead) {
  const Loaded loaded = load_limits(
      "  - {per: key, name: dify, concurrency: 200, requests_per_minute: 60, tokens_per_minute: 1000,\n"
      "     tokens_per_day: 2000, tokens_per_month: 3000, weight: 4, priority: batch}\n"
      "  - {per: address, name: 10.0.0.0/8}\n");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  ASSERT_EQ(loaded.config.limits.size(), 2U);
  const Limit& limit = loaded.config.limits[0];
  EXPECT_EQ(limit.per, Limit::Per::key);
  EXPECT_EQ(limit.name, "dify");
  EXPECT_EQ(limit.concurrency, 200U);
  EXPECT_EQ(limit.requests_per_minute, 60U);
  EXPECT_EQ(limit.tokens_per_minute, 1000U);
  EXPECT_EQ(limit.tokens_per_day, 2000U);
  EXPECT_EQ(limit.tokens_per_month, 3000U);
  EXPECT_EQ(limit.weight, 4U);
  EXPECT_EQ(limit.priority, Limit::Priority::batch);
  EXPECT_EQ(loaded.config.limits[1].per, Limit::Per::address);
  EXPECT_FALSE(loaded.config.limits[1].weight || loaded.config.limits[1].priority);
}

TEST(ConfigLimits, AddressLimitsNeedAnAddress) {
  EXPECT_TRUE(contains(all_problems(load_limits("  - {per: address, name: dify}\n")), "must be an address"));
  EXPECT_TRUE(load_limits("  - {per: address, name: 10.1.2.3}\n").ok());
}

TEST(ConfigLimits, KeyThatIsNotThereIsARemark) {
  EXPECT_TRUE(contains(all_warnings(load_limits("  - {per: key, name: nobody}\n")), "there is no key `nobody`"));
}

TEST(ConfigLimits, WeightOfAModelHasNoEffectAndIsARemark) {
  EXPECT_TRUE(contains(all_warnings(load_limits("  - {per: model, weight: 2}\n")), "`weight` has no effect"));
}

TEST(ConfigQueue, EveryFieldIsRead) {
  const Loaded loaded = load(
      "models: [{name: m, queue: {size: 7, user_share: 50%, max_wait: 2m, heartbeat: 3s},\n"
      "  endpoints: [{url: \"http://10.0.0.1\", max_concurrency: 32}]}]");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  const Model& model = loaded.config.models[0];
  EXPECT_EQ(model.queue.size, 7U);
  EXPECT_EQ(model.queue.user_share, 50U);
  EXPECT_EQ(model.queue.max_wait, std::chrono::minutes{2});
  EXPECT_EQ(model.queue.heartbeat, std::chrono::seconds{3});
  EXPECT_EQ(model.endpoints[0].max_concurrency, 32U);
}

TEST(ConfigQueue, SlotsMayBeLeftToBeFound) {
  const auto with = [](const std::string& slots) {
    return load("models: [{name: m, endpoints: [{url: \"http://10.0.0.1\", max_concurrency: " + slots + "}]}]");
  };
  ASSERT_TRUE(with("auto").ok()) << all_problems(with("auto"));
  EXPECT_EQ(with("auto").config.models[0].endpoints[0].max_concurrency, kAutoConcurrency);
  EXPECT_FALSE(with("Auto").ok());
  EXPECT_FALSE(with("0").ok());
  EXPECT_FALSE(with("4294967295").ok()) << "the number that means `auto` inside";
}

}  // namespace
}  // namespace intragate::config

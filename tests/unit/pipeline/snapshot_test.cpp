#include "pipeline/snapshot.h"

#include <gtest/gtest.h>

namespace intragate::pipeline {
namespace {

config::Model model(std::string name, std::vector<std::string> aliases = {}) {
  config::Model made;
  made.name = std::move(name);
  made.aliases = std::move(aliases);
  config::Endpoint endpoint;
  endpoint.url = "http://127.0.0.1:1/v1";
  endpoint.host = "127.0.0.1";
  made.endpoints.push_back(endpoint);
  return made;
}

std::shared_ptr<const config::Config> config_with(std::vector<config::Model> models) {
  auto config = std::make_shared<config::Config>();
  config->models = std::move(models);
  return config;
}

std::shared_ptr<const Snapshot> make(const std::shared_ptr<const config::Config>& config, const Discovered* discovered,
                                     const Snapshot* previous) {
  auto snapshot = make_snapshot(config, discovered, previous, 100);
  EXPECT_TRUE(snapshot);
  return *snapshot;
}

TEST(Snapshot, AliasLeadsToTheSameLane) {
  const auto snapshot = make(config_with({model("qwen", {"gpt-4o"})}), nullptr, nullptr);
  ASSERT_NE(snapshot->find("gpt-4o"), nullptr);
  EXPECT_EQ(snapshot->find("gpt-4o"), snapshot->find("qwen"));
  EXPECT_EQ(snapshot->find("other"), nullptr);
  EXPECT_EQ(snapshot->listed.size(), 1U);
}

TEST(Snapshot, ReloadKeepsTheHealthOfWhatDidNotChange) {
  const auto first = make(config_with({model("a"), model("b")}), nullptr, nullptr);
  config::Model changed = model("b");
  changed.endpoints[0].port = 2;
  const auto second = make(config_with({model("a"), changed}), nullptr, first.get());
  EXPECT_EQ(first->find("a")->endpoints[0], second->find("a")->endpoints[0]);
  EXPECT_NE(first->find("b")->endpoints[0], second->find("b")->endpoints[0]);
}

TEST(Snapshot, WildcardWaitsForDiscoveryAndTheFilesOwnEntryWins) {
  const auto config = config_with({model("own"), model("*")});
  const auto before = make(config, nullptr, nullptr);
  EXPECT_TRUE(before->awaiting_discovery);
  const Discovered found{{"own", {0}}, {"new", {0}}};
  const auto after = make(config, &found, before.get());
  EXPECT_FALSE(after->awaiting_discovery);
  EXPECT_EQ(after->find("own")->endpoints[0]->id(), "own/0");
  ASSERT_NE(after->find("new"), nullptr);
  EXPECT_EQ(after->find("new")->endpoints[0], before->wildcard_endpoints[0]);
}

TEST(Snapshot, EndpointsThatAReloadTookAwayAreNotUsedByOldDiscoveries) {
  const Discovered found{{"new", {0, 5}}};
  const auto snapshot = make(config_with({model("*")}), &found, nullptr);
  EXPECT_EQ(snapshot->find("new")->endpoints.size(), 1U);
}

}  // namespace
}  // namespace intragate::pipeline

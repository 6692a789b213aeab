#include "pipeline/snapshot.h"

#include <gtest/gtest.h>

namespace intragate::pipeline {
namespace {

config::Endpoint endpoint(std::string url) {
  config::Endpoint made;
  made.url = std::move(url);
  made.host = "127.0.0.1";
  return made;
}

const TimePoint kNow{std::chrono::seconds{1000}};
const config::Endpoint kOne = endpoint("http://127.0.0.1:1/v1");
const config::Endpoint kTwo = endpoint("http://127.0.0.1:2/v1");

config::Model model(std::string name, std::vector<std::string> aliases = {},
                    std::vector<config::Endpoint> endpoints = {kOne}) {
  config::Model made;
  made.name = std::move(name);
  made.aliases = std::move(aliases);
  made.endpoints = std::move(endpoints);
  return made;
}

std::shared_ptr<const config::Config> config_with(std::vector<config::Model> models) {
  auto config = std::make_shared<config::Config>();
  config->models = std::move(models);
  return config;
}

std::shared_ptr<const Snapshot> make(const std::shared_ptr<const config::Config>& config, const Discovered& discovered,
                                     const Snapshot* previous) {
  auto snapshot = make_snapshot(config, discovered, previous, {kNow, 100});
  EXPECT_TRUE(snapshot);
  return *snapshot;
}

TEST(Snapshot, AliasLeadsToTheSameLane) {
  const auto snapshot = make(config_with({model("qwen", {"gpt-4o"})}), {}, nullptr);
  ASSERT_NE(snapshot->find("gpt-4o"), nullptr);
  EXPECT_EQ(snapshot->find("gpt-4o"), snapshot->find("qwen"));
  EXPECT_EQ(snapshot->find("other"), nullptr);
  EXPECT_EQ(snapshot->listed.size(), 1U);
}

TEST(Snapshot, ReloadKeepsTheHealthOfWhatDidNotChange) {
  const auto first = make(config_with({model("a"), model("b")}), {}, nullptr);
  config::Model changed = model("b");
  changed.endpoints[0].port = 2;
  const auto second = make(config_with({model("a"), changed}), {}, first.get());
  EXPECT_EQ(first->find("a")->endpoints[0], second->find("a")->endpoints[0]);
  EXPECT_NE(first->find("b")->endpoints[0], second->find("b")->endpoints[0]);
}

TEST(Snapshot, WhatWasFoundOutAboutAServerSurvivesAReload) {
  config::Model automatic = model("a", {}, {kOne, kTwo});
  for (config::Endpoint& each : automatic.endpoints) each.max_concurrency = config::kAutoConcurrency;
  const auto first = make(config_with({automatic}), {}, nullptr);
  const auto found = first->find("a")->capacities;
  std::swap(automatic.endpoints[0], automatic.endpoints[1]);
  automatic.endpoints[0].weight = 7;
  automatic.endpoints[1].port = 3;
  automatic.endpoints[1].url = "http://127.0.0.1:3/v1";
  const auto second = make(config_with({automatic}), {}, first.get());
  EXPECT_EQ(second->find("a")->capacities[0], found[1]) << "the same server at another place";
  EXPECT_NE(second->find("a")->capacities[1], found[0]) << "another server";
  automatic.endpoints[0].max_concurrency = 5;
  const auto third = make(config_with({automatic}), {}, second.get());
  EXPECT_EQ(third->find("a")->capacities[0]->slots(TimePoint{}), 5U);
}

TEST(Snapshot, SlotsAreThoseOfAllEndpoints) {
  config::Model limited = model("a", {}, {kOne, kTwo});
  limited.endpoints[0].max_concurrency = 5;
  EXPECT_EQ(slots_of(*make(config_with({limited}), {}, nullptr)->find("a"), TimePoint{}), qos::kUnlimitedSlots);
  limited.endpoints[1].max_concurrency = config::kAutoConcurrency;
  EXPECT_EQ(slots_of(*make(config_with({limited}), {}, nullptr)->find("a"), TimePoint{}), 13U);
}

TEST(Snapshot, WildcardWaitsForDiscoveryAndTheFilesOwnEntryWins) {
  const auto config = config_with({model("own"), model("*")});
  const auto before = make(config, {}, nullptr);
  EXPECT_TRUE(before->awaiting_discovery);
  const Discovered found{{kOne, {"own", "new"}}};
  const auto after = make(config, found, before.get());
  EXPECT_FALSE(after->awaiting_discovery);
  EXPECT_EQ(after->find("own")->endpoints[0]->id(), "own/0");
  ASSERT_NE(after->find("new"), nullptr);
  EXPECT_EQ(after->find("new")->endpoints[0], before->wildcard_endpoints[0]);
}

TEST(Snapshot, DiscoveredNamesStayWithTheirEndpointWhenAReloadMovesIt) {
  const Discovered found{{kOne, {"a", "both"}}, {kTwo, {"b", "both"}}};
  const auto snapshot = make(config_with({model("*", {}, {kTwo, kOne})}), found, nullptr);
  const auto urls = [&](std::string_view name) {
    std::vector<std::string> out;
    for (const auto& at : snapshot->find(name)->endpoints) out.push_back(at->configured().url);
    return out;
  };
  EXPECT_EQ(urls("a"), std::vector<std::string>{kOne.url});
  EXPECT_EQ(urls("b"), std::vector<std::string>{kTwo.url});
  EXPECT_EQ(urls("both"), (std::vector<std::string>{kTwo.url, kOne.url}));
}

TEST(Snapshot, NamesOfAnEndpointThatAReloadTookAwayAreForgotten) {
  const Discovered found{{kOne, {"a"}}};
  const auto snapshot = make(config_with({model("*", {}, {kTwo})}), found, nullptr);
  EXPECT_EQ(snapshot->find("a"), nullptr);
  EXPECT_TRUE(snapshot->awaiting_discovery);
  config::Endpoint renewed = kOne;
  renewed.auth = {.type = config::AuthType::bearer, .header = {}, .key = config::Secret{"other"}};
  EXPECT_TRUE(make(config_with({model("*", {}, {renewed})}), found, nullptr)->awaiting_discovery);
}

TEST(Snapshot, AKindIsForItsApiOnly) {
  Lane lane;
  lane.name = "bge";
  for (const llm::Api api : {llm::Api::chat, llm::Api::completions, llm::Api::embeddings}) {
    lane.model.kind = "";
    EXPECT_TRUE(check_kind(lane, api));
    lane.model.kind = "rerank";
    EXPECT_FALSE(check_kind(lane, api));
    lane.model.kind = "embedding";
    EXPECT_EQ(static_cast<bool>(check_kind(lane, api)), api == llm::Api::embeddings);
  }
  const Result<Unit> refused = check_kind(lane, llm::Api::chat);
  EXPECT_EQ(refused.error().code, Code::model_not_allowed);
  EXPECT_EQ(refused.error().message,
            "The model `bge` is of the kind embedding and cannot be used for chat: choose another model.");
}

void make_sick(upstream::Endpoint& endpoint) {
  upstream::Health& health = endpoint.health();
  while (health.usable(kNow)) health.force().report(upstream::CallEnd::failed, kNow);
}

TEST(Snapshot, EndpointsThatAReloadAddsStartSlowly) {
  const auto first = make(config_with({model("a", {}, {kOne})}), {}, nullptr);
  EXPECT_EQ(first->find("a")->endpoints[0]->health().share(kNow), 100U) << "at the start all are new";
  config::Endpoint heavier = kOne;
  heavier.weight = 2;
  const auto second = make(config_with({model("a", {}, {kTwo, heavier})}), {}, first.get());
  EXPECT_EQ(second->find("a")->endpoints[0]->health().share(kNow), 10U);
  EXPECT_EQ(second->find("a")->endpoints[1]->health().share(kNow), 100U) << "changed and moved, but known";
}

TEST(Snapshot, SlotsAreThoseOfEndpointsThatMayGetCalls) {
  config::Endpoint one = kOne;
  config::Endpoint two = kTwo;
  one.max_concurrency = 8;
  two.max_concurrency = 4;
  const auto snapshot = make(config_with({model("a", {}, {one, two})}), {}, nullptr);
  const Lane& lane = *snapshot->find("a");
  EXPECT_EQ(slots_of(lane, kNow), 12U);
  make_sick(*lane.endpoints[0]);
  EXPECT_EQ(slots_of(lane, kNow), 4U);
  const TimePoint later = kNow + lane.model.health.cooldown;
  EXPECT_EQ(slots_of(lane, later), 5U) << "one probe";
  const auto probe = lane.endpoints[0]->health().ask(later);
  EXPECT_EQ(slots_of(lane, later), 5U) << "which has a slot itself";
  make_sick(*lane.endpoints[1]);
  EXPECT_EQ(slots_of(lane, kNow), 12U) << "none left: all are used";
  EXPECT_EQ(slots_of(lane, later), 2U) << "both come back, one call at a time";
}

TEST(Snapshot, CallsFromBeforeAReloadHaveNoSayInItsSlots) {
  for (const auto& [before, after] : {std::pair{4U, 1U}, std::pair{1U, 4U}}) {
    config::Model limited = model("a");
    limited.endpoints[0].max_concurrency = before;
    const auto first = make(config_with({limited}), {}, nullptr);
    limited.endpoints[0].max_concurrency = after;
    const auto second = make(config_with({limited}), {}, first.get());
    const Lane& old_lane = *first->find("a");
    const Lane& lane = *second->find("a");
    const auto slots = [&] { return lane.gate->facts().slots; };
    EXPECT_EQ(slots(), before);
    follow_slots(lane, kNow);
    EXPECT_EQ(slots(), before) << "made, but not in use: the reload may still be refused";
    take_effect(*second, kNow);
    EXPECT_EQ(slots(), after) << "also if no new call comes";
    follow_slots(old_lane, kNow);
    EXPECT_EQ(slots(), after) << "a call that began before";
    make_sick(*lane.endpoints[0]);
    follow_slots(lane, kNow);
    EXPECT_EQ(slots(), after);
  }
}

TEST(Snapshot, OnlyEndpointKeepsItsSlotsWhateverItsBreakerSays) {
  config::Endpoint one = kOne;
  one.max_concurrency = 8;
  const auto snapshot = make(config_with({model("a", {}, {one})}), {}, nullptr);
  const Lane& lane = *snapshot->find("a");
  make_sick(*lane.endpoints[0]);
  EXPECT_EQ(slots_of(lane, kNow), 8U);
  EXPECT_EQ(slots_of(lane, kNow + lane.model.health.cooldown), 8U);
}

TEST(Snapshot, PanicHasItsShare) {
  config::Model careful = model("a", {}, {kOne, kTwo, endpoint("http://127.0.0.1:3/v1")});
  careful.health.panic_percent = 50;
  const auto snapshot = make(config_with({careful}), {}, nullptr);
  const Lane& lane = *snapshot->find("a");
  make_sick(*lane.endpoints[0]);
  EXPECT_FALSE(in_panic(lane, kNow));
  make_sick(*lane.endpoints[1]);
  EXPECT_TRUE(in_panic(lane, kNow));
}

}  // namespace
}  // namespace intragate::pipeline

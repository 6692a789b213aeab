#include "auth/key_state.h"

#include <gtest/gtest.h>

#include "auth/rules.h"
#include "net/digest.h"

namespace intragate::auth {
namespace {

using namespace std::chrono_literals;

constexpr Duration kDay = 24h;
const WallTime kMade{1'767'225'600s};  // 2026-01-01
const IpAddress kHome = IpAddress::v4({10, 0, 1, 2});

IssuedKey issued(const std::string& secret = "s") {
  IssuedKey key;
  key.key.name = "a";
  key.key.hash = net::sha256_hex(secret);
  key.key.created = kMade;
  return key;
}

config::KeyPolicy policy(Duration max_age, bool enforce = false) {
  config::KeyPolicy policy;
  policy.max_age = max_age;
  policy.enforce = enforce;
  return policy;
}

Code refusal(const Principal& key, WallTime now) {
  const Result<Unit> admitted = admit(key, kHome, now);
  return admitted ? Code::internal : admitted.error().code;
}

std::string words(const Principal& key, WallTime now) {
  const Result<Unit> admitted = admit(key, kHome, now);
  return admitted ? "" : admitted.error().message;
}

TEST(KeyState, WithoutAPolicyAKeyIsActiveForGood) {
  const Principal key = principal_of(issued());
  EXPECT_EQ(state_of(key, {}, kMade + 3000 * kDay), KeyState::active);
  EXPECT_FALSE(attention_due(key, {}));
}

TEST(KeyState, APolicyWarnsThenTellsAndRefusesOnlyIfItIsToldTo) {
  const Principal told = principal_of(issued(), policy(90 * kDay));
  EXPECT_EQ(state_of(told, policy(90 * kDay), kMade + 76 * kDay - 1s), KeyState::active);
  EXPECT_EQ(state_of(told, policy(90 * kDay), kMade + 76 * kDay), KeyState::ending);
  EXPECT_EQ(state_of(told, policy(90 * kDay), kMade + 90 * kDay), KeyState::overdue);
  EXPECT_EQ(words(told, kMade + 900 * kDay), "");
  const Principal refused = principal_of(issued(), policy(90 * kDay, true));
  EXPECT_EQ(words(refused, kMade + 90 * kDay - 1ns), "");
  EXPECT_EQ(refusal(refused, kMade + 90 * kDay), Code::expired_key);
  EXPECT_NE(words(refused, kMade + 90 * kDay).find("older"), std::string::npos);
  EXPECT_EQ(state_of(refused, policy(90 * kDay, true), kMade + 90 * kDay), KeyState::expired);
}

TEST(KeyState, AnUnknownAgeFallsUnderNoPolicy) {
  IssuedKey key = issued();
  key.key.created.reset();
  EXPECT_EQ(state_of(principal_of(key, policy(kDay, true)), policy(kDay, true), kMade + 99 * kDay), KeyState::active);
}

TEST(KeyState, TheEarliestEndCounts) {
  IssuedKey key = issued();
  key.key.expires = kMade + 10 * kDay;
  key.replaced_until = kMade + kDay;
  const Principal holder = principal_of(key, policy(5 * kDay, true));
  EXPECT_EQ(holder.ends, kMade + kDay);
  EXPECT_EQ(state_of(holder, policy(5 * kDay, true), kMade), KeyState::replaced);
  EXPECT_EQ(words(holder, kMade + kDay - 1ns), "");
  EXPECT_NE(words(holder, kMade + kDay).find("replaced"), std::string::npos);
  key.replaced_until.reset();
  EXPECT_NE(words(principal_of(key, {}), kMade + 10 * kDay).find("expired on 2026-01-11"), std::string::npos);
}

TEST(KeyState, RevokedIsSaidBeforeAnythingElse) {
  IssuedKey key = issued();
  key.revoked = true;
  key.key.expires = kMade;
  key.key.allow = AddressList{};
  EXPECT_EQ(refusal(principal_of(key), kMade + kDay), Code::revoked_key);
  EXPECT_EQ(state_of(principal_of(key), {}, kMade + kDay), KeyState::revoked);
}

TEST(IssuedKeys, StandBesideThoseOfTheFileUnderOtherNames) {
  config::Key of_file;
  of_file.name = "file";
  of_file.hash = net::sha256_hex("f");
  const auto both = Keyring::make({of_file}, {issued("s"), issued("old")});
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(both->size(), 3U);
  of_file.name = "a";
  const auto same_name = Keyring::make({of_file}, {issued("s")});
  ASSERT_FALSE(same_name);
  EXPECT_NE(same_name.error().message.find("both in the configuration file and in the store"), std::string::npos);
  of_file.name = "file";
  EXPECT_FALSE(Keyring::make({of_file}, {issued("f")})) << "one secret under two names";
}

TEST(IssuedKeys, TheirUseOutlivesAReload) {
  const Keyring first = *Keyring::make({}, {issued("s")});
  EXPECT_FALSE(first.last_used(net::sha256_hex("s")));
  EXPECT_TRUE(first.uses().empty());
  first.find(net::sha256("s"))->use->note(kMade + 61s);
  const Keyring second = *Keyring::make({}, {issued("s"), issued("t")}, {}, &first);
  EXPECT_EQ(second.last_used(net::sha256_hex("s")), kMade + 60s) << "to the minute";
  EXPECT_FALSE(second.last_used(net::sha256_hex("t")));
  second.find(net::sha256("s"))->use->note(kMade);
  EXPECT_EQ(second.last_used(net::sha256_hex("s")), kMade + 60s) << "not back again";
  ASSERT_EQ(second.uses().size(), 1U);
  EXPECT_EQ(second.uses()[0].first, net::sha256_hex("s"));
}

TEST(IssuedKeys, TheNewestAreThoseToBeUsed) {
  IssuedKey old_one = issued("old");
  old_one.replaced_until = kMade + kDay;
  IssuedKey gone = issued("gone");
  gone.key.name = "gone";
  gone.revoked = true;
  const Keyring ring = *Keyring::make({}, {old_one, issued("new"), gone});
  ASSERT_EQ(ring.newest().size(), 1U);
  EXPECT_EQ(ring.newest()[0]->key_id, net::sha256_hex("new").substr(0, 12));
}

}  // namespace
}  // namespace intragate::auth

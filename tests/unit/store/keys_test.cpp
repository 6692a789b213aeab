#include "store/keys.h"

#include <gtest/gtest.h>

#include "store/migrations.h"
#include "store_folder.h"

namespace intragate::store {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{1'767'225'600s};  // 2026-01-01

class StoredKeysTest : public StoreFolder {
 protected:
  StoredKeysTest() { EXPECT_TRUE(migrate(database_)); }
  Database database_ = *Database::open(path());
};

Key dify() {
  Key key;
  key.name = "dify";
  key.models = {"qwen*", "!qwen-secret"};
  key.apis = {"chat"};
  key.allow = {"10.0.0.0/8"};
  key.trust_user = true;
  key.stream_usage = "always";
  key.while_waiting = "interim";
  key.created = kNow;
  key.expires = kNow + 24h;
  key.secrets = {{"aa", "sk-abcdef", kNow, {}, {}}};
  return key;
}

TEST_F(StoredKeysTest, KeepsAllOfAKey) {
  ASSERT_TRUE(add_key(database_, dify()));
  const auto found = find_key(database_, "dify");
  ASSERT_TRUE(found && *found);
  const Key& key = **found;
  EXPECT_EQ(key.models, dify().models);
  EXPECT_EQ(key.apis, dify().apis);
  EXPECT_EQ(key.allow, dify().allow);
  EXPECT_TRUE(key.trust_user);
  EXPECT_EQ(key.stream_usage, "always");
  EXPECT_EQ(key.while_waiting, "interim");
  EXPECT_EQ(key.created, kNow);
  EXPECT_EQ(key.expires, kNow + 24h);
  EXPECT_FALSE(key.revoked);
  ASSERT_EQ(key.secrets.size(), 1U);
  EXPECT_EQ(key.secrets[0].hash, "aa");
  EXPECT_EQ(key.secrets[0].prefix, "sk-abcdef");
  EXPECT_FALSE(key.secrets[0].works_until);
  EXPECT_FALSE(*find_key(database_, "Dify")) << "names are taken letter by letter";
}

TEST_F(StoredKeysTest, ANameAndAHashStandOnce) {
  ASSERT_TRUE(add_key(database_, dify()));
  EXPECT_FALSE(add_key(database_, dify()));
  Key other = dify();
  other.name = "other";
  EXPECT_FALSE(add_key(database_, other)) << "the same secret";
}

TEST_F(StoredKeysTest, TheNewestSecretComesFirstAndOldOnesEndNoLaterThanBefore) {
  ASSERT_TRUE(add_key(database_, dify()));
  ASSERT_TRUE(end_secrets(database_, "dify", kNow + 1h));
  ASSERT_TRUE(add_secret(database_, "dify", {"bb", "sk-b", kNow, {}, {}}));
  ASSERT_TRUE(end_secrets(database_, "dify", kNow + 2h));
  ASSERT_TRUE(add_secret(database_, "dify", {"cc", "sk-c", kNow + 1s, {}, {}}));
  const Key key = **find_key(database_, "dify");
  ASSERT_EQ(key.secrets.size(), 3U);
  EXPECT_EQ(key.secrets[0].hash, "cc");
  EXPECT_EQ(key.secrets[1].hash, "bb");
  EXPECT_EQ(key.secrets[1].works_until, kNow + 2h);
  EXPECT_EQ(key.secrets[2].works_until, kNow + 1h) << "a later rotation does not lengthen a grace";
}

TEST_F(StoredKeysTest, ChangesAreOfOneKeyOnly) {
  ASSERT_TRUE(add_key(database_, dify()));
  Key other = dify();
  other.name = "other";
  other.secrets = {{"dd", "sk-d", kNow, {}, {}}};
  ASSERT_TRUE(add_key(database_, other));
  ASSERT_TRUE(set_revoked(database_, "dify", kNow + 1s));
  ASSERT_TRUE(set_expires(database_, "dify", kNow + 2s));
  ASSERT_TRUE(set_last_used(database_, "aa", kNow + 3s));
  const std::vector<Key> keys = *all_keys(database_);
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].revoked, kNow + 1s);
  EXPECT_EQ(keys[0].expires, kNow + 2s);
  EXPECT_EQ(keys[0].secrets[0].last_used, kNow + 3s);
  EXPECT_FALSE(keys[1].revoked);
  EXPECT_EQ(keys[1].expires, kNow + 24h);
  EXPECT_FALSE(keys[1].secrets[0].last_used);
}

// What somebody else wrote there must not make time run backwards.
TEST_F(StoredKeysTest, MomentsBeyondReasonAreCut) {
  ASSERT_TRUE(add_key(database_, dify()));
  ASSERT_TRUE(database_.run("UPDATE keys SET expires = 9223372036854775807, created = -9223372036854775807"));
  const Key key = **find_key(database_, "dify");
  EXPECT_GT(key.expires, kNow);
  EXPECT_LT(key.created, kNow);
  EXPECT_GT(*key.expires + std::chrono::hours{24 * 3650}, *key.expires);
}

}  // namespace
}  // namespace intragate::store

#include "app/key_office.h"

#include <gtest/gtest.h>

#include "base/json_scan.h"
#include "net/digest.h"
#include "unit/store/store_folder.h"

namespace intragate::app {
namespace {

using namespace std::chrono_literals;
using admin::KeyAnswer;
using admin::KeyRequest;
using Verb = KeyRequest::Verb;

const WallTime kNow{1'767'225'600s};  // 2026-01-01

std::string member(std::string_view object, std::string_view name) {
  json::ObjectScan scan{object};
  while (const auto found = scan.next()) {
    if (found->key == name) return std::string{found->value};
  }
  return "";
}

std::string plain_in(const KeyAnswer& answer) {
  const std::string raw = member(answer.body, "key");
  return raw.size() < 2 ? "" : raw.substr(1, raw.size() - 2);
}

class KeyOfficeTest : public store::StoreFolder {
 protected:
  KeyAnswer ask(KeyRequest request, WallTime now = kNow) {
    return answer_keys(&database_, request, {config_, nullptr, now});
  }
  KeyAnswer ask(Verb verb, const std::string& name, WallTime now = kNow) {
    KeyRequest request;
    request.verb = verb;
    request.name = name;
    return ask(request, now);
  }
  // The ring that a gateway would have now.
  auth::Keyring ring() {
    auto made = auth::Keyring::make(config_.keys, issued_keys(*store::all_keys(database_)), config_.key_policy);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }
  const auth::Principal* holder(const auth::Keyring& ring, const std::string& plain) {
    return ring.find(net::sha256(plain));
  }

  std::optional<WallTime> ends_of(const std::string& plain) {
    const auth::Keyring keys = ring();
    return holder(keys, plain)->ends;
  }

  config::Config config_;
  store::Database database_ = *open_store(path());
};

TEST_F(KeyOfficeTest, ANewKeyIsShownOnceAndKeptAsAHash) {
  KeyRequest request;
  request.verb = Verb::create;
  request.name = "dify";
  request.models = {"qwen*", "!qwen-secret"};
  request.at = kNow + 24h;
  const KeyAnswer made = ask(request);
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string plain = plain_in(made);
  EXPECT_TRUE(plain.starts_with("sk-"));
  EXPECT_GE(plain.size(), 3U + 43U) << "256 bits in base64";
  EXPECT_EQ(made.detail.find(plain), std::string::npos) << "not in the record";
  const KeyAnswer listed = ask(Verb::list, "");
  EXPECT_EQ(listed.body.find(plain), std::string::npos);
  EXPECT_NE(listed.body.find(plain.substr(0, 9)), std::string::npos) << "its first letters";
  const auth::Keyring keys = ring();
  const auth::Principal* found = holder(keys, plain);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "dify");
  EXPECT_EQ(found->denied, std::vector<std::string>{"qwen-secret"});
  EXPECT_EQ(found->expires, kNow + 24h);
}

TEST_F(KeyOfficeTest, ANameMeansOneKeyForGood) {
  config::Key of_file;
  of_file.name = "file";
  of_file.hash = net::sha256_hex("x");
  config_.keys = {of_file};
  EXPECT_EQ(ask(Verb::create, "file").status, 409);
  EXPECT_EQ(ask(Verb::revoke, "file").status, 409);
  EXPECT_EQ(ask(Verb::create, "a").status, 200);
  EXPECT_EQ(ask(Verb::create, "a").status, 409);
  EXPECT_EQ(ask(Verb::revoke, "a").status, 200);
  EXPECT_EQ(ask(Verb::create, "a").status, 409) << "not even after it was revoked";
  for (const Verb verb : {Verb::rotate, Verb::revoke, Verb::expire}) {
    EXPECT_EQ(ask(verb, "a").status, 409) << "revoked is final";
    EXPECT_EQ(ask(verb, "nobody").status, 404);
  }
  EXPECT_EQ(ask(Verb::list, "nobody").status, 404);
}

TEST_F(KeyOfficeTest, AfterARotationBothWorkUntilTheGraceIsOver) {
  const std::string old_key = plain_in(ask(Verb::create, "a"));
  KeyRequest request;
  request.verb = Verb::rotate;
  request.name = "a";
  request.grace = 1h;
  const std::string new_key = plain_in(ask(request, kNow + 10s));
  ASSERT_NE(new_key, old_key);
  const auth::Keyring keys = ring();
  const auth::Principal* old_holder = holder(keys, old_key);
  const auth::Principal* new_holder = holder(keys, new_key);
  ASSERT_TRUE(old_holder != nullptr && new_holder != nullptr);
  EXPECT_NE(old_holder->key_id, new_holder->key_id) << "records tell which one was used";
  EXPECT_EQ(old_holder->replaced_until, kNow + 10s + 1h);
  EXPECT_EQ(old_holder->ends, kNow + 10s + 1h);
  EXPECT_FALSE(new_holder->replaced_until);
}

TEST_F(KeyOfficeTest, RevokedKeysAreKnownAndRefused) {
  const std::string plain = plain_in(ask(Verb::create, "a"));
  ASSERT_EQ(ask(Verb::revoke, "a").status, 200);
  const auth::Keyring keys = ring();
  ASSERT_NE(holder(keys, plain), nullptr) << "so that the record can name it";
  EXPECT_TRUE(holder(keys, plain)->revoked);
}

TEST_F(KeyOfficeTest, ExpireSetsTheEndNowOrLater) {
  const std::string plain = plain_in(ask(Verb::create, "a"));
  ASSERT_EQ(ask(Verb::expire, "a").status, 200);
  EXPECT_EQ(ends_of(plain), kNow);
  KeyRequest request;
  request.verb = Verb::expire;
  request.name = "a";
  request.at = kNow + 5h;
  ASSERT_EQ(ask(request).status, 200);
  EXPECT_EQ(ends_of(plain), kNow + 5h) << "also later again";
}

TEST_F(KeyOfficeTest, TheListSaysHowEachStands) {
  config_.key_policy.max_age = 90 * 24h;
  (void)ask(Verb::create, "a");
  const auto state = [&](Duration later) {
    const std::string body = ask(Verb::list, "a", kNow + later).body;
    return member(body.substr(1), "state");
  };
  EXPECT_EQ(state(0s), "\"active\"");
  EXPECT_EQ(state(77 * 24h), "\"ending\"");
  EXPECT_EQ(state(91 * 24h), "\"overdue\"");
  config_.key_policy.enforce = true;
  EXPECT_EQ(state(91 * 24h), "\"expired\"");
}

TEST_F(KeyOfficeTest, WithoutAStoreThereIsOnlyTheFile) {
  KeyRequest request;
  EXPECT_EQ(answer_keys(nullptr, request, {config_, nullptr, kNow}).body, "[]\n");
  request.verb = Verb::rotate;
  request.name = "a";
  EXPECT_EQ(answer_keys(nullptr, request, {config_, nullptr, kNow}).status, 404);
}

}  // namespace
}  // namespace intragate::app

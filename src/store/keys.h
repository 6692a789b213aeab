// The store's keys: what `intragate keys` made. A key has a name, permissions, and one secret for each rotation, of
// which only the SHA-256 and the first letters are kept. Plain functions over a database whose tables are up to date.
// Thread: the database's. Does not: decide anything (app/key_office.h does), make secrets, read clocks.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "store/database.h"

namespace intragate::store {

struct Secret {
  std::string hash;    // 64 hex digits
  std::string prefix;  // the first letters, to tell it by
  WallTime created{};
  std::optional<WallTime> works_until;  // replaced by a newer one
  std::optional<WallTime> last_used;
};

struct Key {
  std::string name;
  std::vector<std::string> models;
  std::vector<std::string> apis;
  std::vector<std::string> allow;  // CIDR
  bool trust_user = false;
  std::string stream_usage = "asked";
  std::string while_waiting = "comments";
  WallTime created{};
  std::optional<WallTime> expires;
  std::optional<WallTime> revoked;
  std::vector<Secret> secrets;  // the newest first
};

// In the order of their names.
Result<std::vector<Key>> all_keys(Database& database);
Result<std::optional<Key>> find_key(Database& database, const std::string& name);

// REQUIRES, of all that follow: a transaction. Texts in lists hold no line end.
Result<Unit> add_key(Database& database, const Key& key);
Result<Unit> add_secret(Database& database, const std::string& key, const Secret& secret);
// Those of the key that would work longer work until then.
Result<Unit> end_secrets(Database& database, const std::string& key, WallTime until);
Result<Unit> set_expires(Database& database, const std::string& key, WallTime at);
Result<Unit> set_revoked(Database& database, const std::string& key, WallTime at);
Result<Unit> set_last_used(Database& database, const std::string& hash, WallTime at);

}  // namespace intragate::store

#include "store/keys.h"

#include <algorithm>
#include <string_view>

namespace intragate::store {
namespace {

using Seconds = std::chrono::seconds;

std::int64_t seconds_of(WallTime at) {
  return std::chrono::floor<Seconds>(at.time_since_epoch()).count();
}

std::optional<std::int64_t> seconds_of(std::optional<WallTime> at) {
  return at ? std::optional{seconds_of(*at)} : std::nullopt;
}

// What lies beyond the years that nanoseconds can count is cut to them.
WallTime moment_of(std::int64_t seconds) {
  constexpr std::int64_t kMost = 7'500'000'000;  // the year 2207
  return WallTime{Seconds{std::min(std::max(seconds, -kMost), kMost)}};
}

std::optional<WallTime> moment_of(std::optional<std::int64_t> seconds) {
  return seconds ? std::optional{moment_of(*seconds)} : std::nullopt;
}

std::string lines_of(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& entry : list) text += entry + '\n';
  return text;
}

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) list.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return list;
}

Result<std::vector<Secret>> secrets_of(Database& database, const std::string& key) {
  Result<Statement> asking = database.prepare(
      "SELECT hash, prefix, created, works_until, last_used FROM secrets WHERE key = ? ORDER BY created DESC, rowid "
      "DESC");
  if (!asking) return std::move(asking).error();
  asking->bind(1, key);
  std::vector<Secret> secrets;
  for (;;) {
    Result<bool> row = asking->step();
    if (!row) return std::move(row).error();
    if (!*row) return secrets;
    secrets.push_back({asking->text(0), asking->text(1), moment_of(asking->number(2)),
                       moment_of(asking->number_or_null(3)), moment_of(asking->number_or_null(4))});
  }
}

// Every row of a statement that selects kColumns.
constexpr std::string_view kColumns =
    "SELECT name, models, apis, allow, trust_user, stream_usage, while_waiting, created, expires, revoked FROM keys ";

Result<std::vector<Key>> keys_of(Database& database, Statement& asking) {
  std::vector<Key> keys;
  for (;;) {
    Result<bool> row = asking.step();
    if (!row) return std::move(row).error();
    if (!*row) break;
    keys.push_back({asking.text(0),
                    list_of(asking.text(1)),
                    list_of(asking.text(2)),
                    list_of(asking.text(3)),
                    asking.number(4) != 0,
                    asking.text(5),
                    asking.text(6),
                    moment_of(asking.number(7)),
                    moment_of(asking.number_or_null(8)),
                    moment_of(asking.number_or_null(9)),
                    {}});
  }
  for (Key& key : keys) {
    Result<std::vector<Secret>> secrets = secrets_of(database, key.name);
    if (!secrets) return std::move(secrets).error();
    key.secrets = *std::move(secrets);
  }
  return keys;
}

Result<Unit> set_moment(Database& database, std::string_view sql, const std::string& of, WallTime at) {
  Result<Statement> setting = database.prepare(sql);
  if (!setting) return std::move(setting).error();
  return setting->bind(1, seconds_of(at)).bind(2, of).run();
}

}  // namespace

Result<std::vector<Key>> all_keys(Database& database) {
  Result<Statement> asking = database.prepare(std::string{kColumns} + "ORDER BY name");
  if (!asking) return std::move(asking).error();
  return keys_of(database, *asking);
}

Result<std::optional<Key>> find_key(Database& database, const std::string& name) {
  Result<Statement> asking = database.prepare(std::string{kColumns} + "WHERE name = ?");
  if (!asking) return std::move(asking).error();
  asking->bind(1, name);
  Result<std::vector<Key>> found = keys_of(database, *asking);
  if (!found) return std::move(found).error();
  return found->empty() ? std::nullopt : std::optional{std::move(found->front())};
}

Result<Unit> add_key(Database& database, const Key& key) {
  Result<Statement> adding = database.prepare(
      "INSERT INTO keys (name, models, apis, allow, trust_user, stream_usage, while_waiting, created, expires, "
      "revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!adding) return std::move(adding).error();
  Result<Unit> added = adding->bind(1, key.name)
                           .bind(2, lines_of(key.models))
                           .bind(3, lines_of(key.apis))
                           .bind(4, lines_of(key.allow))
                           .bind(5, std::int64_t{key.trust_user})
                           .bind(6, key.stream_usage)
                           .bind(7, key.while_waiting)
                           .bind(8, seconds_of(key.created))
                           .bind(9, seconds_of(key.expires))
                           .bind(10, seconds_of(key.revoked))
                           .run();
  for (const Secret& secret : key.secrets) {
    if (added) added = add_secret(database, key.name, secret);
  }
  return added;
}

Result<Unit> add_secret(Database& database, const std::string& key, const Secret& secret) {
  Result<Statement> adding = database.prepare(
      "INSERT INTO secrets (hash, key, prefix, created, works_until, last_used) VALUES (?, ?, ?, ?, ?, ?)");
  if (!adding) return std::move(adding).error();
  return adding->bind(1, secret.hash)
      .bind(2, key)
      .bind(3, secret.prefix)
      .bind(4, seconds_of(secret.created))
      .bind(5, seconds_of(secret.works_until))
      .bind(6, seconds_of(secret.last_used))
      .run();
}

Result<Unit> end_secrets(Database& database, const std::string& key, WallTime until) {
  return set_moment(database,
                    "UPDATE secrets SET works_until = ?1 WHERE key = ?2 AND (works_until IS NULL OR works_until > ?1)",
                    key, until);
}

Result<Unit> set_expires(Database& database, const std::string& key, WallTime at) {
  return set_moment(database, "UPDATE keys SET expires = ?1 WHERE name = ?2", key, at);
}

Result<Unit> set_revoked(Database& database, const std::string& key, WallTime at) {
  return set_moment(database, "UPDATE keys SET revoked = ?1 WHERE name = ?2", key, at);
}

Result<Unit> set_last_used(Database& database, const std::string& hash, WallTime at) {
  return set_moment(database, "UPDATE secrets SET last_used = ?1 WHERE hash = ?2", hash, at);
}

}  // namespace intragate::store

#include "store/migrations.h"

#include <array>

namespace intragate::store {
namespace {

// Times are seconds since 1970, lists one entry a line.
constexpr std::array<std::string_view, 1> kSteps{
    // 1: keys and their secrets; a key has one more for each rotation.
    "CREATE TABLE keys ("
    "  name TEXT PRIMARY KEY NOT NULL, models TEXT NOT NULL, apis TEXT NOT NULL, allow TEXT NOT NULL,"
    "  trust_user INTEGER NOT NULL, stream_usage TEXT NOT NULL, while_waiting TEXT NOT NULL,"
    "  created INTEGER NOT NULL, expires INTEGER, revoked INTEGER) STRICT;"
    "CREATE TABLE secrets ("
    "  hash TEXT PRIMARY KEY NOT NULL, key TEXT NOT NULL REFERENCES keys (name), prefix TEXT NOT NULL,"
    "  created INTEGER NOT NULL, works_until INTEGER, last_used INTEGER) STRICT;"
    "CREATE INDEX secrets_by_key ON secrets (key, created);"};

Result<std::int64_t> tables_version(Database& database) {
  Result<Statement> asking = database.prepare("PRAGMA user_version");
  if (!asking) return std::move(asking).error();
  Result<bool> row = asking->step();
  if (!row) return std::move(row).error();
  return asking->number(0);
}

}  // namespace

Result<Unit> migrate(Database& database) {
  constexpr auto kVersion = static_cast<std::int64_t>(kSteps.size());
  Result<std::int64_t> seen = tables_version(database);
  if (!seen) return std::move(seen).error();
  if (*seen == kVersion) return Unit{};
  Result<Transaction> transaction = Transaction::begin(database);
  if (!transaction) return std::move(transaction).error();
  Result<std::int64_t> version = tables_version(database);  // another process may have been quicker
  if (!version) return std::move(version).error();
  if (*version < 0 || *version > kVersion) {
    return make_error(Code::io, "the store " + database.path() + " was made by a newer version of intragate");
  }
  for (auto step = static_cast<std::size_t>(*version); step < kSteps.size(); ++step) {
    Result<Unit> done = database.run(std::string{kSteps[step]});
    if (!done) return done;
  }
  Result<Unit> noted = database.run("PRAGMA user_version=" + std::to_string(kVersion));
  if (!noted) return noted;
  return transaction->commit();
}

}  // namespace intragate::store

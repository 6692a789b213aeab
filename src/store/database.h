// One SQLite file as the rest of the program sees it: opened with care, statements, transactions, and whether another
// process has written to it. Owner: whoever opens it; a statement must not outlive it. Thread: one at a time, never a
// loop's: everything here may wait for the disk, and up to two seconds for another process.
// Does not: know what is kept in it (keys.h), nor what its tables look like (migrations.h).
// Errors: io, with the file's name and what to do; never a value that was bound.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace intragate::store {

class Database;

// One prepared statement. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, std::int64_t number);
  Statement& bind(int parameter, std::optional<std::int64_t> number);  // nothing: null
  // True: a row is there; false: done, and ready to be bound anew.
  Result<bool> step();
  // For statements without rows.
  Result<Unit> run();
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::optional<std::int64_t> number_or_null(int column) const;

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(const Database& database, sqlite3_stmt* statement) : database_{&database}, statement_{statement} {}

  const Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  bool unbound_ = false;  // a parameter did not fit into memory: step() says so
};

class Database {
 public:
  // The file, made (mode 0600) if it is not there. Refused: a link, something that is no file, a file of somebody
  // else's or in a folder that everybody may write to, one that is damaged. A file of our own that others may read is
  // closed to them.
  static Result<Database> open(const std::string& path);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  [[nodiscard]] const std::string& path() const { return path_; }
  Result<Statement> prepare(std::string_view sql);
  // Statements without parameters and rows.
  Result<Unit> run(const std::string& sql);
  // A number that changes whenever another connection has written.
  Result<std::int64_t> version();
  // Whether the path still leads to the file that was opened.
  [[nodiscard]] bool still_there() const;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  Database(std::string path, sqlite3* connection) : path_{std::move(path)}, connection_{connection} {}
  Result<Unit> prepare_connection();
  [[nodiscard]] Error failed() const;

  std::string path_;
  std::unique_ptr<sqlite3, Close> connection_;
  std::uint64_t inode_ = 0;
};

// All or nothing, alone among writers from the first statement on. Undone unless it was committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<Unit> commit();

 private:
  explicit Transaction(Database& database) : database_{&database} {}
  Database* database_;  // null: over
};

}  // namespace intragate::store

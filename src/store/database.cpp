#include "store/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace intragate::store {
namespace {

constexpr int kPatience = 2000;  // milliseconds for another process's transaction
constexpr int kLongestValue = 1 << 20;

Error refuse(const std::string& path, const std::string& why) {
  return make_error(Code::io, "the store " + path + " " + why);
}

std::string system_reason() {
  return std::generic_category().message(errno);
}

// Whoever may write to the folder may put another file in the place of ours.
Result<Unit> check_folder(const std::string& path) {
  const std::string folder = std::filesystem::path{path}.parent_path().string();
  struct stat state {};
  if (::stat(folder.empty() ? "." : folder.c_str(), &state) != 0) {
    return refuse(path, "cannot be opened: " + system_reason());
  }
  const bool open_to_all = (state.st_mode & S_IWOTH) != 0 && (state.st_mode & S_ISVTX) == 0;
  if (!open_to_all) return Unit{};
  return refuse(path, "lies in a folder that everybody may write to; chmod 700 " + folder);
}

// Looks at the file by its name only: closing a second descriptor of it would release SQLite's locks (POSIX).
Result<Unit> check_file(const std::string& path, struct stat& state) {
  if (::lstat(path.c_str(), &state) != 0) {
    if (errno != ENOENT) return refuse(path, "cannot be opened: " + system_reason());
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return refuse(path, "cannot be made: " + system_reason());
    ::close(fd);
    if (::lstat(path.c_str(), &state) != 0) return refuse(path, "cannot be opened: " + system_reason());
  }
  if (!S_ISREG(state.st_mode)) return refuse(path, "is a link or no file");
  if (state.st_uid != ::geteuid() && ::geteuid() != 0) {
    return refuse(path, "belongs to another user; run this as that user, or give it to this one");
  }
  if ((state.st_mode & 077) == 0) return Unit{};
  if (::chmod(path.c_str(), 0600) != 0) return refuse(path, "is open to other users; chmod 600 it");
  log::warning("the store was open to other users; it is closed to them now", {{"file", path}});
  return Unit{};
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Statement& Statement::bind(int parameter, std::string_view text) {
  const int result =
      sqlite3_bind_text64(statement_.get(), parameter, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  unbound_ = unbound_ || result != SQLITE_OK;
  return *this;
}

Statement& Statement::bind(int parameter, std::int64_t number) {
  unbound_ = unbound_ || sqlite3_bind_int64(statement_.get(), parameter, number) != SQLITE_OK;
  return *this;
}

Statement& Statement::bind(int parameter, std::optional<std::int64_t> number) {
  if (number) return bind(parameter, *number);
  unbound_ = unbound_ || sqlite3_bind_null(statement_.get(), parameter) != SQLITE_OK;
  return *this;
}

Result<bool> Statement::step() {
  if (std::exchange(unbound_, false)) return refuse(database_->path(), "cannot take a value that long");
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) {
    sqlite3_reset(statement_.get());
    return false;
  }
  Error error = database_->failed();  // before reset, which says the same again
  sqlite3_reset(statement_.get());
  return error;
}

Result<Unit> Statement::run() {
  Result<bool> row = step();
  if (!row) return std::move(row).error();
  if (*row) sqlite3_reset(statement_.get());
  return Unit{};
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return text == nullptr ? std::string{} : std::string{text, static_cast<std::size_t>(size)};
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::number_or_null(int column) const {
  if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
  return number(column);
}

void Database::Close::operator()(sqlite3* connection) const {
  sqlite3_close_v2(connection);
}

Result<Database> Database::open(const std::string& path) {
  Result<Unit> folder = check_folder(path);
  if (!folder) return std::move(folder).error();
  struct stat state {};
  Result<Unit> file = check_file(path, state);
  if (!file) return std::move(file).error();
  sqlite3* connection = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  const int result = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  Database database{path, connection};
  if (result != SQLITE_OK) return connection != nullptr ? database.failed() : refuse(path, "cannot be opened");
  database.inode_ = state.st_ino;
  Result<Unit> prepared = database.prepare_connection();
  if (!prepared) return std::move(prepared).error();
  return database;
}

// A file that somebody else prepared must not make SQLite do more than hold data.
Result<Unit> Database::prepare_connection() {
  sqlite3* const connection = connection_.get();
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kPatience);
  sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  Result<Unit> set =
      run("PRAGMA cell_size_check=ON; PRAGMA cache_size=-256; PRAGMA journal_mode=WAL; "
          "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;");
  if (!set) return set;
  Result<Statement> check = prepare("PRAGMA quick_check(1)");
  if (!check) return std::move(check).error();
  Result<bool> row = check->step();
  if (!row) return std::move(row).error();
  if (check->text(0) != "ok") return refuse(path_, "is damaged; restore it from a copy");
  return Unit{};
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v2(connection_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (result != SQLITE_OK) return failed();
  return Statement{*this, statement};
}

Result<Unit> Database::run(const std::string& sql) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return failed();
  return Unit{};
}

Result<std::int64_t> Database::version() {
  Result<Statement> asking = prepare("PRAGMA data_version");
  if (!asking) return std::move(asking).error();
  Result<bool> row = asking->step();
  if (!row) return std::move(row).error();
  return asking->number(0);
}

bool Database::still_there() const {
  struct stat state {};
  return ::lstat(path_.c_str(), &state) == 0 && state.st_ino == inode_;
}

Error Database::failed() const {
  switch (sqlite3_errcode(connection_.get())) {
    case SQLITE_BUSY: return refuse(path_, "is being changed by another process; try again");
    case SQLITE_NOTADB: return refuse(path_, "is no store of intragate, or damaged; restore it from a copy");
    case SQLITE_CORRUPT: return refuse(path_, "is damaged; restore it from a copy");
    case SQLITE_FULL: return refuse(path_, "finds the disk full");
    case SQLITE_READONLY: return refuse(path_, "may not be written by this user");
    default: return refuse(path_, std::string{"cannot be used: "} + sqlite3_errmsg(connection_.get()));
  }
}

Result<Transaction> Transaction::begin(Database& database) {
  Result<Unit> begun = database.run("BEGIN IMMEDIATE");
  if (!begun) return std::move(begun).error();
  return Transaction{database};
}

Transaction::Transaction(Transaction&& other) noexcept : database_{std::exchange(other.database_, nullptr)} {}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Result<Unit> Transaction::commit() {
  Result<Unit> done = database_->run("COMMIT");
  if (done) database_ = nullptr;
  return done;
}

}  // namespace intragate::store

#include "store/database.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "store/migrations.h"
#include "store_folder.h"

namespace intragate::store {
namespace {

using DatabaseTest = StoreFolder;

mode_t mode_of(const std::string& path) {
  struct stat state {};
  EXPECT_EQ(::stat(path.c_str(), &state), 0) << path;
  return state.st_mode & 0777U;
}

std::string why(const Result<Database>& opened) {
  return opened ? "it opened" : opened.error().message;
}

TEST_F(DatabaseTest, IsMadeForItsUserOnly) {
  Result<Database> database = Database::open(path());
  ASSERT_TRUE(database) << why(database);
  ASSERT_TRUE(migrate(*database));
  for (const char* end : {"", "-wal", "-shm"}) EXPECT_EQ(mode_of(path() + end), 0600U) << end;
}

TEST_F(DatabaseTest, ClosesAFileThatOthersMayRead) {
  ASSERT_TRUE(Database::open(path()));
  ASSERT_EQ(::chmod(path().c_str(), 0644), 0);
  ASSERT_TRUE(Database::open(path()));
  EXPECT_EQ(mode_of(path()), 0600U);
}

TEST_F(DatabaseTest, RefusesLinksFoldersAndForeignFiles) {
  std::ofstream{folder() + "/elsewhere"} << "";
  std::filesystem::create_symlink(folder() + "/elsewhere", path());
  EXPECT_NE(why(Database::open(path())).find("is a link or no file"), std::string::npos);
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  EXPECT_NE(why(Database::open(path())).find("is a link or no file"), std::string::npos);
  std::filesystem::remove(path());
  std::ofstream{path()} << std::string(8192, 'x');
  EXPECT_NE(why(Database::open(path())).find("is no store of intragate, or damaged"), std::string::npos);
  EXPECT_NE(why(Database::open(folder() + "/nothing/db")).find("cannot be opened"), std::string::npos);
}

TEST_F(DatabaseTest, RefusesAFolderThatEverybodyMayWriteTo) {
  ASSERT_EQ(::chmod(folder().c_str(), 0777), 0);
  EXPECT_NE(why(Database::open(path())).find("everybody may write to"), std::string::npos);
  ASSERT_EQ(::chmod(folder().c_str(), 0700), 0);
  EXPECT_TRUE(Database::open(path()));
}

// A page of the middle is overwritten: the file still says that it is SQLite's.
TEST_F(DatabaseTest, SaysThatItIsDamaged) {
  {
    Result<Database> database = Database::open(path());
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->run("CREATE TABLE t (x TEXT)"));
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(database->run("INSERT INTO t VALUES (hex(randomblob(200)))"));
  }
  std::fstream file{path(), std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(4096);
  file << std::string(8192, '\x5a');
  file.close();
  EXPECT_NE(why(Database::open(path())).find("damaged"), std::string::npos);
}

TEST_F(DatabaseTest, WhatIsNotCommittedIsUndone) {
  Result<Database> database = Database::open(path());
  ASSERT_TRUE(database && database->run("CREATE TABLE t (x INTEGER)"));
  {
    Result<Transaction> transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->run("INSERT INTO t VALUES (1)"));
  }
  {
    Result<Transaction> transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction && database->run("INSERT INTO t VALUES (2)"));
    ASSERT_TRUE(transaction->commit());
  }
  Result<Statement> asking = database->prepare("SELECT x FROM t");
  ASSERT_TRUE(asking);
  ASSERT_TRUE(*asking->step());
  EXPECT_EQ(asking->number(0), 2);
  EXPECT_FALSE(*asking->step());
}

TEST_F(DatabaseTest, TellsWhenAnotherHasWritten) {
  Result<Database> ours = Database::open(path());
  ASSERT_TRUE(ours && migrate(*ours));
  const std::int64_t before = *ours->version();
  EXPECT_EQ(*ours->version(), before);
  Result<Database> theirs = Database::open(path());
  ASSERT_TRUE(theirs && theirs->run("CREATE TABLE t (x INTEGER)"));
  EXPECT_NE(*ours->version(), before);
  EXPECT_TRUE(ours->still_there());
  std::filesystem::rename(path(), path() + ".old");
  EXPECT_FALSE(ours->still_there());
}

TEST_F(DatabaseTest, TablesOfANewerProgramAreLeftAlone) {
  Result<Database> database = Database::open(path());
  ASSERT_TRUE(database && database->run("PRAGMA user_version=999"));
  const Result<Unit> migrated = migrate(*database);
  ASSERT_FALSE(migrated);
  EXPECT_NE(migrated.error().message.find("newer version"), std::string::npos);
}

TEST_F(DatabaseTest, MigratingTwiceChangesNothing) {
  Result<Database> database = Database::open(path());
  ASSERT_TRUE(database && migrate(*database));
  EXPECT_TRUE(migrate(*database));
}

}  // namespace
}  // namespace intragate::store

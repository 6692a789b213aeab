#include "app/admin_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace intragate::app {
namespace {

class AdminFileTest : public testing::Test {
 protected:
  AdminFileTest() { std::filesystem::create_directories(folder_); }
  ~AdminFileTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string folder() const { return folder_.string(); }
  [[nodiscard]] std::filesystem::path path() const { return folder_ / "admin.address"; }

 private:
  std::filesystem::path folder_ =
      std::filesystem::path{testing::TempDir()} /
      ("admin-file-" + std::to_string(::getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(AdminFileTest, TellsWhereTheGatewayIsAsLongAsItRuns) {
  {
    const Result<AdminFile> file = AdminFile::write(folder(), "127.0.0.1:4711", config::Secret{"s"});
    ASSERT_TRUE(file) << file.error().message;
    const Result<SocketAddress> found = running_admin_address(folder());
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->text(), "127.0.0.1:4711");
    EXPECT_TRUE(running_admin_address(folder())) << "a look must not end the lock";
    struct stat state {};
    ASSERT_EQ(::stat(path().c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((folder() + "/admin.secret").c_str(), &state), 0);
    EXPECT_EQ(state.st_mode & 0777U, 0600U);
    EXPECT_EQ(running_admin_secret(folder())->reveal(), "s");
    EXPECT_TRUE(gateway_runs(folder()));
  }
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_FALSE(running_admin_address(folder()));
  EXPECT_FALSE(std::filesystem::exists(folder() + "/admin.secret"));
  EXPECT_FALSE(gateway_runs(folder()));
}

// After a crash somebody else may listen there: he must not be sent the token.
TEST_F(AdminFileTest, WhatACrashLeftBehindIsNotBelieved) {
  std::ofstream{path()} << "127.0.0.1:4711\n";
  const Result<SocketAddress> found = running_admin_address(folder());
  ASSERT_FALSE(found);
  EXPECT_NE(found.error().message.find("no gateway runs"), std::string::npos);
  const Result<AdminFile> next = AdminFile::write(folder(), "[::1]:9", config::Secret{"s"});
  ASSERT_TRUE(next);
  EXPECT_EQ(running_admin_address(folder())->text(), "[::1]:9");
}

TEST_F(AdminFileTest, FolderThatIsNotThereIsAProblemWithItsName) {
  const Result<AdminFile> file = AdminFile::write(folder() + "/nothing", "127.0.0.1:1", config::Secret{"s"});
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("nothing"), std::string::npos);
}

}  // namespace
}  // namespace intragate::app

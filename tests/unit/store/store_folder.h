// A folder of a test's own for its store, and gone after it.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace intragate::store {

class StoreFolder : public testing::Test {
 protected:
  StoreFolder() {
    std::filesystem::create_directories(folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  }
  ~StoreFolder() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string folder() const { return folder_.string(); }
  [[nodiscard]] std::string path() const { return (folder_ / "intragate.db").string(); }

 private:
  std::filesystem::path folder_ =
      std::filesystem::path{testing::TempDir()} /
      ("store-" + std::to_string(::getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name());
};

}  // namespace intragate::store

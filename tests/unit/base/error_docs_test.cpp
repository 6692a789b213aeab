// docs/errors.md is what users look an error up in: it must say what base/error_table.cpp says.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/error_table.h"

namespace intragate {
namespace {

std::string errors_page() {
  std::ifstream file{INTRAGATE_SOURCE_DIR "/docs/errors.md"};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(ErrorDocs, HaveARowForEveryCode) {
  const std::string page = errors_page();
  for (std::size_t i = 0; i < kCodeCount; ++i) {
    const ErrorRow& row = error_row(static_cast<Code>(i));
    const std::string begin = "| `" + std::string{row.name} + "` | " + std::to_string(row.status) + " | `" +
                              std::string{row.type} + "` | " + (row.retry_after ? "yes" : "–") + " | " +
                              std::string{row.outcome} + " | ";
    EXPECT_NE(page.find(begin), std::string::npos) << "docs/errors.md lacks a row that begins with\n" << begin;
  }
}

TEST(ErrorDocs, HaveNoRowForWhatDoesNotExist) {
  const std::string page = errors_page();
  std::size_t rows = 0;
  for (std::size_t at = page.find("\n| `"); at != std::string::npos; at = page.find("\n| `", at + 1)) ++rows;
  EXPECT_EQ(rows, kCodeCount);
}

}  // namespace
}  // namespace intragate

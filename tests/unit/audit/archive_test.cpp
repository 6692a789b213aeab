#include "audit/archive.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "audit/chain.h"
#include "audit/line_reader.h"
#include "audit/record.h"

namespace intragate::audit {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Three full files and a fourth that is being written.
class AuditArchive : public testing::Test {
 protected:
  AuditArchive() {
    std::string pattern = (fs::temp_directory_path() / "audit_archive_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    for (std::uint64_t number = 1; number <= kCurrent; ++number) {
      std::ofstream stream{file_path(directory_, number, kPlain)};
      for (int i = 0; i < 100; ++i) {
        std::string line;
        append_seq(line, ++end_.seq);
        append_fields(line, Record{});
        seal(line, 0, end_);
        stream << line;
      }
      ends_.push_back(end_);
    }
  }
  ~AuditArchive() override { fs::remove_all(directory_); }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    const auto files = list_files(directory_);
    for (const AuditFile& file : *files) names.push_back(file.name());
    return names;
  }
  static std::vector<std::string> lines_of(const AuditFile& file) {
    std::vector<std::string> lines;
    Result<LineReader> reader = LineReader::open(file);
    EXPECT_TRUE(reader);
    while (const auto line = reader->next()) lines.emplace_back(*line);
    EXPECT_FALSE(reader->failure());
    return lines;
  }

  static constexpr std::uint64_t kCurrent = 4;
  std::string directory_;
  Link end_;
  std::vector<Link> ends_;  // of each file
};

TEST_F(AuditArchive, CompressesFullFilesAndNoOther) {
  const auto before = lines_of((*list_files(directory_))[0]);
  struct stat facts {};
  ::stat(file_path(directory_, 1, kPlain).c_str(), &facts);
  const auto time = facts.st_mtim.tv_sec;
  Archive archive{directory_, {.compress = true}};
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(archive.work(kCurrent, std::chrono::system_clock::now()));
  EXPECT_EQ(names(), (std::vector<std::string>{"00000001.jsonl.zst", "00000002.jsonl.zst", "00000003.jsonl.zst",
                                               "00000004.jsonl"}));
  const AuditFile packed = (*list_files(directory_))[0];
  EXPECT_EQ(lines_of(packed), before);
  ::stat(packed.path.c_str(), &facts);
  EXPECT_EQ(facts.st_mtim.tv_sec, time);  // retention goes by it
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
  EXPECT_FALSE(fs::exists(packed.path + ".new"));
}

TEST_F(AuditArchive, LeavesNothingHalfDone) {
  {
    Archive archive{directory_, {.compress = true}};
    (void)archive.work(kCurrent, std::chrono::system_clock::now());
  }
  EXPECT_EQ(names().front(), "00000001.jsonl");
  for (const auto& entry : fs::directory_iterator{directory_}) EXPECT_EQ(entry.path().extension(), ".jsonl");
}

TEST_F(AuditArchive, RemovesTheOldestFileOnceItsRemovalIsOnRecord) {
  Archive archive{directory_, {.keep = 1h}};
  const WallTime later = std::chrono::system_clock::now() + 2h;
  const std::optional<std::string> detail = archive.work(kCurrent, later);
  ASSERT_TRUE(detail);
  EXPECT_NE(detail->find(R"("file":"00000001.jsonl","last_seq":100,"last_hash":")" + std::string{view(ends_[0].hash)}),
            std::string::npos)
      << *detail;
  EXPECT_NE(detail->find(R"("reason":"keep")"), std::string::npos);
  EXPECT_EQ(names().size(), 4U);  // not before it is on disk
  EXPECT_TRUE(archive.work(kCurrent, later));
  EXPECT_EQ(names().size(), 3U);
  EXPECT_TRUE(archive.work(kCurrent, later));
  EXPECT_FALSE(archive.work(kCurrent, later));
  EXPECT_EQ(names(), std::vector<std::string>{"00000004.jsonl"});  // the one that is written stays, however old
}

TEST_F(AuditArchive, RemovesNoMoreThanMakesItSmallEnough) {
  std::uintmax_t rest = 0;
  for (std::uint64_t number = 2; number <= kCurrent; ++number)
    rest += fs::file_size(file_path(directory_, number, kPlain));
  Archive archive{directory_, {.max_total = rest}};
  const WallTime now = std::chrono::system_clock::now();
  EXPECT_TRUE(archive.work(kCurrent, now));
  EXPECT_FALSE(archive.work(kCurrent, now));
  EXPECT_EQ(names().size(), 3U);
}

TEST_F(AuditArchive, KeepsAFileWhoseEndNobodyCouldProve) {
  std::ofstream{file_path(directory_, 2, kPlain), std::ios::trunc} << "no record\n";
  Archive archive{directory_, {.keep = 1h}};
  EXPECT_FALSE(archive.work(kCurrent, std::chrono::system_clock::now() + 2h));
  EXPECT_EQ(names().size(), 4U);
}

TEST_F(AuditArchive, ACompressedFileThatWasCutIsNotReadAsWhole) {
  Archive archive{directory_, {.compress = true}};
  for (int i = 0; i < 10; ++i) (void)archive.work(kCurrent, std::chrono::system_clock::now());
  const AuditFile packed = (*list_files(directory_))[0];
  const auto size = fs::file_size(packed.path);
  for (const auto cut : {size - 1, size / 2, std::uintmax_t{20}}) {
    fs::resize_file(packed.path, cut);
    Result<LineReader> reader = LineReader::open(packed);
    ASSERT_TRUE(reader);
    while (reader->next()) {
    }
    EXPECT_TRUE(reader->failure()) << cut;
  }
}

TEST_F(AuditArchive, ALineWithoutEndIsAFailureNotAllMemory) {
  std::ofstream{file_path(directory_, 5, kPlain)} << std::string(kLongestLine * 3, 'x');
  Result<LineReader> reader = LineReader::open({5, false, file_path(directory_, 5, kPlain)});
  ASSERT_TRUE(reader);
  EXPECT_FALSE(reader->next());
  EXPECT_TRUE(reader->failure());
}

}  // namespace
}  // namespace intragate::audit

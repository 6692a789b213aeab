#include "audit/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "audit/directory.h"
#include "audit/head.h"
#include "audit/record.h"

namespace intragate::audit {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;
using Kind = Break::Kind;

constexpr std::size_t kFiles = 3;
constexpr std::size_t kEach = 7;  // records in a file

// A directory with a chain over three files, and what a hand may do to it.
class AuditVerify : public testing::Test {
 protected:
  AuditVerify() {
    std::string pattern = (fs::temp_directory_path() / "audit_verify_XXXXXX").string();
    directory_ = ::mkdtemp(pattern.data());
    files_ = chain("qwen", end_);
    save();
  }
  ~AuditVerify() override { fs::remove_all(directory_); }

  static std::vector<Lines> chain(std::string_view model, Link& end) {
    std::vector<Lines> files(kFiles);
    for (Lines& lines : files) {
      for (std::size_t i = 0; i < kEach; ++i) lines.push_back(sealed(model, end));
    }
    return files;
  }
  static std::string sealed(std::string_view model, Link& end) {
    Record record;
    record.model = model;
    std::string line;
    append_seq(line, ++end.seq);
    append_fields(line, record);
    seal(line, 0, end);
    line.pop_back();
    return line;
  }
  static std::string sealed_event(const Event& event, Link& end) {
    std::string line;
    append_seq(line, ++end.seq);
    append_fields(line, WallTime{}, event);
    seal(line, 0, end);
    line.pop_back();
    return line;
  }

  void save() { save(files_); }
  void save(const std::vector<Lines>& files) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      std::ofstream stream{file_path(directory_, i + 1, kPlain), std::ios::trunc};
      for (const std::string& line : files[i]) stream << line << '\n';
    }
    ASSERT_TRUE(write_head(directory_, {end_, {}}, WallTime{}));
  }
  Verdict verdict(VerifyOptions options = {}) {
    options.directory = directory_;
    options.threads = 2;
    const Result<Verdict> found = verify(options);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? *found : Verdict{};
  }
  std::vector<Kind> kinds(VerifyOptions options = {}) {
    std::vector<Kind> kinds;
    for (const Break& found : verdict(options).breaks) kinds.push_back(found.kind);
    return kinds;
  }
  // All lines, whatever file they are in.
  std::string& line(std::size_t index) { return files_[index / kEach][index % kEach]; }

  std::string directory_;
  std::vector<Lines> files_;
  Link end_;
};

constexpr std::size_t kAll = kFiles * kEach;

TEST_F(AuditVerify, FindsAWholeChainWhole) {
  const Verdict found = verdict();
  EXPECT_TRUE(found.whole());
  EXPECT_EQ(found.files, kFiles);
  EXPECT_EQ(found.records, kAll);
  EXPECT_EQ(found.first_seq, 1U);
  EXPECT_EQ(found.last, end_);
  EXPECT_TRUE(found.remarks.empty());
}

TEST_F(AuditVerify, FindsAnyByteThatWasChanged) {
  std::mt19937 random{7};
  for (int round = 0; round < 400; ++round) {
    const std::size_t index = random() % kAll;
    std::string& victim = line(index);
    const std::string before = victim;
    char& byte = victim[random() % victim.size()];
    byte = static_cast<char>(byte ^ static_cast<char>(1 + random() % 255));
    save();
    EXPECT_FALSE(verdict().whole()) << victim;
    victim = before;
  }
}

TEST_F(AuditVerify, NamesTheRecordThatWasChangedAndItsLine) {
  for (std::size_t index = 0; index < kAll; ++index) {
    const std::string before = line(index);
    line(index).replace(line(index).find("qwen"), 4, "gwen");
    save();
    const Verdict found = verdict();
    ASSERT_EQ(found.break_count, index + 1 == kAll ? 2U : 1U);  // the head does not know the last one any more
    EXPECT_EQ(found.breaks[0].kind, Kind::changed);
    EXPECT_EQ(found.breaks[0].seq, index + 1);
    EXPECT_EQ(found.breaks[0].line, index % kEach + 1);
    EXPECT_EQ(found.breaks[0].file, "0000000" + std::to_string(index / kEach + 1) + ".jsonl");
    line(index) = before;
  }
}

TEST_F(AuditVerify, FindsARecordThatWasChangedAndSealedAnew) {
  for (std::size_t index = 0; index + 1 < kAll; ++index) {
    const std::string before = line(index);
    Link forged{index, *parse_hash(read_sealed(before)->prev)};
    line(index) = sealed("gwen", forged);
    save();
    EXPECT_EQ(kinds(), std::vector{Kind::spliced}) << index;
    line(index) = before;
  }
}

TEST_F(AuditVerify, FindsRecordsThatWereTakenOut) {
  for (std::size_t index = 0; index + 1 < kAll; ++index) {
    auto files = files_;
    Lines& lines = files[index / kEach];
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(index % kEach));
    save(files);
    const Verdict found = verdict();
    ASSERT_EQ(found.break_count, 1U) << index;
    EXPECT_EQ(found.breaks[0].kind, Kind::missing);
    EXPECT_EQ(found.breaks[0].seq, index + 1);
  }
}

TEST_F(AuditVerify, FindsRecordsInAnotherOrder) {
  for (std::size_t a = 0; a < kAll; ++a) {
    for (std::size_t b = a + 1; b < kAll; ++b) {
      std::swap(line(a), line(b));
      save();
      const std::vector<Kind> found = kinds();
      EXPECT_TRUE(std::count(found.begin(), found.end(), Kind::reordered) > 0 ||
                  std::count(found.begin(), found.end(), Kind::missing) > 0)
          << a << " and " << b;
      std::swap(line(a), line(b));
    }
  }
}

TEST_F(AuditVerify, FindsARecordThatStandsTwice) {
  files_[1].insert(files_[1].begin() + 3, files_[1][2]);
  save();
  EXPECT_EQ(kinds(), std::vector{Kind::reordered});
}

TEST_F(AuditVerify, FindsRecordsOfAnotherChain) {
  Link other_end;
  const auto other = chain("other", other_end);
  for (std::size_t from = 1; from + 3 < kEach; ++from) {
    auto files = files_;
    std::copy_n(other[1].begin() + static_cast<std::ptrdiff_t>(from), 3,
                files[1].begin() + static_cast<std::ptrdiff_t>(from));
    save(files);
    EXPECT_EQ(kinds(), (std::vector{Kind::spliced, Kind::spliced}));
  }
  auto files = files_;
  files[1] = other[1];
  save(files);
  EXPECT_EQ(kinds(), (std::vector{Kind::spliced, Kind::spliced}));
  save(other);  // all of it: the head knows better
  EXPECT_EQ(kinds(), std::vector{Kind::rewritten});
}

TEST_F(AuditVerify, FindsAnEndThatWasCutOff) {
  for (std::size_t cut = 1; cut < kAll; ++cut) {
    auto files = files_;
    for (std::size_t i = 0; i < cut; ++i) {
      if (files.back().empty()) files.pop_back();
      files.back().pop_back();
    }
    for (std::size_t i = 1; i <= kFiles; ++i) fs::remove(file_path(directory_, i, kPlain));
    save(files);
    const Verdict found = verdict();
    ASSERT_EQ(found.break_count, 1U);
    EXPECT_EQ(found.breaks[0].kind, Kind::cut);
    EXPECT_EQ(found.last.seq, kAll - cut);
  }
}

TEST_F(AuditVerify, FindsFilesThatAreGone) {
  for (std::size_t file = 1; file <= kFiles; ++file) {
    save();
    fs::remove(file_path(directory_, file, kPlain));
    EXPECT_EQ(kinds(), std::vector{file == kFiles ? Kind::cut : Kind::missing});
  }
}

TEST_F(AuditVerify, FindsThatTheHeadIsGoneOrNone) {
  fs::remove(head_path(directory_));
  EXPECT_EQ(kinds(), std::vector{Kind::no_head});
  std::ofstream{head_path(directory_)} << "{}";
  EXPECT_EQ(kinds(), std::vector{Kind::no_head});
}

TEST_F(AuditVerify, FindsLinesThatAreNoRecords) {
  files_[0].insert(files_[0].begin() + 2, "{}");
  files_[2].insert(files_[2].begin(), "");
  save();
  EXPECT_EQ(kinds(), (std::vector{Kind::unreadable, Kind::unreadable}));
}

TEST_F(AuditVerify, TakesALineThatIsBeingWrittenForWhatItIs) {
  std::ofstream{file_path(directory_, kFiles, kPlain), std::ios::app} << R"({"seq":22,"ti)";
  const Verdict found = verdict();
  EXPECT_TRUE(found.whole());
  EXPECT_EQ(found.remarks.size(), 1U);
  std::ofstream{file_path(directory_, 1, kPlain), std::ios::app} << R"({"seq":8,"ti)";
  EXPECT_EQ(kinds(), std::vector{Kind::unreadable});
}

TEST_F(AuditVerify, AcceptsABeginningWhoseRemovalIsOnRecord) {
  const auto last = *read_sealed(files_[0].back());
  const std::string detail = R"({"last_seq":7,"last_hash":")" + std::string{last.hash} + R"("})";
  files_[2].push_back(sealed_event({.name = "removed", .actor = "gateway", .detail = detail}, end_));
  save();
  fs::remove(file_path(directory_, 1, kPlain));
  const Verdict found = verdict();
  EXPECT_TRUE(found.whole());
  EXPECT_EQ(found.first_seq, 8U);
  fs::remove(file_path(directory_, 2, kPlain));  // of this one nobody said so
  EXPECT_EQ(kinds(), std::vector{Kind::missing});
}

TEST_F(AuditVerify, ForgivesWhatIsKnown) {
  line(3).replace(line(3).find("qwen"), 4, "gwen");
  save();
  EXPECT_TRUE(verdict({.from = 5}).whole());
  EXPECT_FALSE(verdict({.from = 4}).whole());
}

TEST_F(AuditVerify, CountsEveryBreakAndKeepsTheFirst) {
  for (std::size_t file = 0; file < kFiles; ++file) files_[file].insert(files_[file].begin(), 200, "no record");
  save();
  const Verdict found = verdict();
  EXPECT_EQ(found.break_count, 3 * 200U);
  EXPECT_EQ(found.breaks.size(), kMostBreaks);
}

TEST_F(AuditVerify, ChecksSignaturesOfTheHeadAndOfCheckpoints) {
  const net::SealKey key = *net::SealKey::parse(std::string(32, 'k'));
  const net::SealKey other = *net::SealKey::parse(std::string(32, 'o'));
  EXPECT_EQ(kinds({.key = &key}), std::vector{Kind::bad_signature});  // the head is not signed
  const std::string detail = R"({"signature":")" + key.sign(signed_text(end_)) + R"("})";
  files_[2].push_back(sealed_event({.name = "checkpoint", .actor = "gateway", .detail = detail}, end_));
  save();
  ASSERT_TRUE(write_head(directory_, {end_, key.sign(signed_text(end_))}, WallTime{}));
  EXPECT_TRUE(verdict({.key = &key}).whole());
  EXPECT_EQ(verdict({.key = &key}).checkpoints, 1U);
  EXPECT_EQ(kinds({.key = &other}), (std::vector{Kind::bad_signature, Kind::bad_signature}));
  EXPECT_EQ(verdict().remarks.size(), 1U);  // signed, and nobody looked
}

TEST_F(AuditVerify, RefusesADirectoryWithoutRecords) {
  EXPECT_FALSE(verify({.directory = directory_ + "/none"}));
  for (std::size_t i = 1; i <= kFiles; ++i) fs::remove(file_path(directory_, i, kPlain));
  EXPECT_EQ(kinds(), std::vector{Kind::cut});
  fs::remove(head_path(directory_));
  EXPECT_FALSE(verify({.directory = directory_}));
}

}  // namespace
}  // namespace intragate::audit

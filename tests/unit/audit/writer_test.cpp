#include "audit/writer.h"

#include <gtest/gtest.h>
#include <simdjson.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <thread>

#include "audit/copies.h"
#include "copy_receiver.h"

namespace intragate::audit {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class AuditWriter : public testing::Test {
 protected:
  AuditWriter() {
    std::string pattern = (fs::temp_directory_path() / "audit_test_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    directory_ = root_ / "data" / "audit";
  }
  ~AuditWriter() override { fs::remove_all(root_); }

  Writer::Options options() const {
    Writer::Options options;
    options.directory = directory_.string();
    options.flush = 1ms;
    return options;
  }
  std::unique_ptr<Writer> open(const Writer::Options& options) {
    auto writer = Writer::open(options);
    EXPECT_TRUE(writer) << (writer ? "" : writer.error().message);
    return writer ? std::move(*writer) : nullptr;
  }
  fs::path file(const char* name) const { return directory_ / name; }

  // Whole lines of all files in their order.
  std::vector<std::string> lines() const {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator{directory_}) {
      if (entry.path().extension() == ".jsonl") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> all;
    for (const fs::path& path : paths) {
      std::ifstream stream{path};
      for (std::string line; std::getline(stream, line);) all.push_back(line);
    }
    return all;
  }
  // Every line parses, and they are numbered 1, 2, 3, …
  void expect_numbered(const std::vector<std::string>& lines) const {
    simdjson::dom::parser parser;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      simdjson::dom::element object;
      ASSERT_EQ(parser.parse(lines[i]).get(object), simdjson::SUCCESS) << lines[i];
      ASSERT_EQ(std::uint64_t{object["seq"]}, i + 1);
    }
  }
  // Every line is sealed and follows the one before.
  void expect_chained(const std::vector<std::string>& lines) const {
    Link last;
    for (const std::string& line : lines) {
      const auto sealed = read_sealed(line);
      ASSERT_TRUE(sealed && intact(*sealed)) << line;
      ASSERT_EQ(sealed->seq, last.seq + 1);
      ASSERT_EQ(sealed->prev, view(last.hash));
      last = {sealed->seq, *parse_hash(sealed->hash)};
    }
  }
  // Waits for what another thread brings about; a minute is "never".
  static bool eventually(const std::function<bool()>& condition) {
    const TimePoint until = MonotonicClock::now() + 60s;
    while (!condition() && MonotonicClock::now() < until) std::this_thread::yield();
    return condition();
  }

  fs::path root_;
  fs::path directory_;
};

Record record_of(std::string_view id, std::string_view user = {}) {
  Record record;
  record.request_id = id;
  record.end_user = user;
  return record;
}

TEST_F(AuditWriter, KeepsALanesOrderAndNumbersFromOne) {
  auto writer = open(options());
  for (int i = 0; i < 1000; ++i) writer->append(0, record_of(std::to_string(i)));
  writer->stop();

  const auto written = lines();
  ASSERT_EQ(written.size(), 1000U);
  EXPECT_EQ(writer->written(), 1000U);
  EXPECT_EQ(writer->waiting(), 0U);
  expect_numbered(written);
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_NE(written[i].find("\"request_id\":\"" + std::to_string(i) + "\""), std::string::npos);
  }
}

TEST_F(AuditWriter, PutsEventsIntoTheSameChainAndCountsOnlyCalls) {
  Writer::Options slow = options();
  slow.flush = 1h;
  auto writer = open(slow);
  writer->note({.name = "start", .actor = "gateway"});
  writer->append(0, record_of("a"));
  writer->stop();
  const auto written = lines();
  ASSERT_EQ(written.size(), 2U);
  expect_chained(written);
  EXPECT_EQ(writer->written(), 1U);
  EXPECT_EQ(writer->waiting(), 0U);
  EXPECT_NE(written[0].find("\"event\":\"start\""), std::string::npos);
}

TEST_F(AuditWriter, TheStopStandsBehindTheLastCall) {
  Writer::Options slow = options();
  slow.flush = 1h;
  auto writer = open(slow);
  writer->append(0, record_of("a"));
  writer->note({.name = "reload", .actor = "signal"});
  writer->stop({.name = "stop", .actor = "signal"});
  EXPECT_NE(lines().back().find("\"event\":\"stop\""), std::string::npos);
}

TEST_F(AuditWriter, WritesWithoutBeingStopped) {
  auto writer = open(options());
  writer->append(0, record_of("a"));
  EXPECT_TRUE(eventually([&] { return lines().size() == 1; }));
}

TEST_F(AuditWriter, LosesNothingWhenManyThreadsAppendUntilTheEnd) {
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 20'000;
  Writer::Options with_lanes = options();
  with_lanes.lanes = kThreads;
  auto writer = open(with_lanes);
  std::vector<std::thread> threads;
  for (std::size_t lane = 0; lane < kThreads; ++lane) {
    threads.emplace_back([&writer, lane] {
      const std::string user = "lane" + std::to_string(lane);
      for (std::size_t i = 0; i < kEach; ++i) writer->append(lane, record_of(std::to_string(i), user));
    });
  }
  for (std::thread& thread : threads) thread.join();
  writer->stop();

  const auto written = lines();
  EXPECT_EQ(written.size(), kThreads * kEach);
  EXPECT_EQ(writer->dropped(), 0U);
  expect_numbered(written);
  expect_chained(written);
  std::map<std::string, std::size_t> next;  // each lane in its own order
  simdjson::dom::parser parser;
  for (const std::string& line : written) {
    const simdjson::dom::element object = parser.parse(line);
    const std::string lane{std::string_view{object["end_user"]}};
    ASSERT_EQ(std::string_view{object["request_id"]}, std::to_string(next[lane]++));
  }
}

TEST_F(AuditWriter, CountsEveryRecordThatComesDuringOrAfterStop) {
  auto writer = open(options());
  std::atomic<bool> begun{false};
  std::thread late{[&] {
    for (int i = 0; i < 50'000; ++i) {
      writer->append(0, record_of("x"));
      begun = true;
    }
  }};
  EXPECT_TRUE(eventually([&] { return begun.load(); }));
  writer->stop();
  late.join();
  writer->append(0, record_of("too late"));
  writer->stop();
  EXPECT_EQ(writer->written() + writer->dropped(), 50'001U);
  EXPECT_EQ(lines().size(), writer->written());
}

TEST_F(AuditWriter, GoesOnAfterTheHighestNumberOnDisk) {
  open(options())->append(0, record_of("a"));
  open(options())->append(0, record_of("b"));
  const auto written = lines();
  ASSERT_EQ(written.size(), 2U);
  expect_chained(written);
}

TEST_F(AuditWriter, CutsATornLastLine) {
  open(options())->append(0, record_of("a"));
  std::ofstream{file("00000001.jsonl"), std::ios::app} << R"({"seq":2,"time":"20)";
  open(options())->append(0, record_of("b"));
  const auto written = lines();
  ASSERT_EQ(written.size(), 2U);
  expect_chained(written);
}

TEST_F(AuditWriter, CutsZeroesThatAPowerCutLeft) {
  open(options())->append(0, record_of("a"));
  std::ofstream{file("00000001.jsonl"), std::ios::app} << std::string(300'000, '\0');
  open(options())->append(0, record_of("b"));
  const auto written = lines();
  ASSERT_EQ(written.size(), 2U);
  expect_chained(written);
}

TEST_F(AuditWriter, FindsItsNumberInTheFileBeforeAnEmptyOne) {
  open(options())->append(0, record_of("a"));
  std::ofstream{file("00000002.jsonl")} << R"({"seq":2)";  // torn: nothing is left of it
  open(options())->append(0, record_of("b"));
  EXPECT_GT(fs::file_size(file("00000002.jsonl")), 0U);
  expect_numbered(lines());
}

TEST_F(AuditWriter, KeepsDamagedWholeLinesAndPassesThem) {
  open(options())->append(0, record_of("a"));
  std::ofstream{file("00000001.jsonl"), std::ios::app} << "not a record\n";
  open(options())->append(0, record_of("b"));
  const auto written = lines();
  ASSERT_EQ(written.size(), 3U);
  EXPECT_EQ(written[1], "not a record");
  EXPECT_TRUE(written[2].starts_with("{\"seq\":2,")) << written[2];
}

TEST_F(AuditWriter, BeginsTheNextFileAtTheLimitWithWholeLines) {
  Writer::Options small = options();
  small.file_limit = 1000;
  for (int i = 0; i < 4; ++i) {
    auto writer = open(small);
    for (int k = 0; k < 3; ++k) writer->append(0, record_of("a"));
  }
  EXPECT_TRUE(fs::exists(file("00000002.jsonl")));
  const auto written = lines();
  EXPECT_EQ(written.size(), 12U);
  expect_numbered(written);
}

TEST_F(AuditWriter, BeginsANewFileWhenSomeoneDeletesTheOpenOne) {
  auto writer = open(options());
  writer->append(0, record_of("a"));
  ASSERT_TRUE(eventually([&] { return writer->written() == 1; }));
  fs::remove(file("00000001.jsonl"));
  writer->append(0, record_of("b"));
  writer->stop();
  ASSERT_EQ(lines().size(), 2U);
  EXPECT_TRUE(lines()[0].starts_with("{\"seq\":2,"));
  EXPECT_NE(lines()[1].find("\"event\":\"file_lost\""), std::string::npos);
}

TEST_F(AuditWriter, MakesPrivateFiles) {
  open(options())->append(0, record_of("a"));
  struct stat facts {};
  ASSERT_EQ(::stat(directory_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0700U);
  ASSERT_EQ(::stat(file("00000001.jsonl").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 07777, 0600U);
}

TEST_F(AuditWriter, RefusesADirectoryThatCannotBeAndSaysWhich) {
  std::ofstream{root_ / "data"} << "in the way";
  const auto writer = Writer::open(options());
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Code::io);
  EXPECT_NE(writer.error().message.find(directory_.string()), std::string::npos);
}

TEST_F(AuditWriter, RefusesADirectoryThatAnotherGatewayWrites) {
  const auto first = open(options());
  const auto second = Writer::open(options());
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("another gateway"), std::string::npos);
}

TEST_F(AuditWriter, RefusesALinkInPlaceOfAFile) {
  fs::create_directories(directory_);
  fs::create_symlink("/dev/full", file("00000001.jsonl"));
  EXPECT_FALSE(Writer::open(options()));
}

// A file size limit stands for the full disk: write() takes what fits, then fails, and takes the rest when there is
// room.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) {
    before_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    rlimit small = limit_;
    small.rlim_cur = bytes;
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }
  ~FullDisk() { heal(); }
  void heal() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    ::signal(SIGXFSZ, before_);
  }

 private:
  rlimit limit_{};
  void (*before_)(int) = nullptr;
};

TEST_F(AuditWriter, SaysFullAndRecoversWithoutATornLine) {
  auto writer = open(options());
  {
    FullDisk disk{10'001};  // in the middle of a line
    for (int i = 0; i < 200; ++i) writer->append(0, record_of(std::to_string(i)));
    ASSERT_TRUE(eventually([&] { return writer->full(); }));
    EXPECT_EQ(fs::file_size(file("00000001.jsonl")), 10'001U);
    for (int i = 200; i < 400; ++i) writer->append(0, record_of(std::to_string(i)));
  }
  ASSERT_TRUE(eventually([&] { return !writer->full() && writer->written() == 400; }));
  EXPECT_EQ(writer->dropped(), 0U);
  writer->stop();
  const auto written = lines();
  EXPECT_EQ(written.size(), 400U);
  expect_chained(written);
}

TEST_F(AuditWriter, IsFullBeforeALaneOverflows) {
  Writer::Options slow = options();
  slow.buffer_limit = 8192;
  slow.flush = 1h;  // nobody empties the lane
  auto writer = open(slow);
  while (!writer->full()) {
    writer->append(0, record_of("x"));
    ASSERT_EQ(writer->dropped(), 0U);
  }
  writer->append(0, record_of("still taken"));
  EXPECT_EQ(writer->dropped(), 0U);
}

TEST_F(AuditWriter, IsFullBeforeItDropsAndCountsWhatItDrops) {
  Writer::Options small = options();
  small.buffer_limit = 8192;
  auto writer = open(small);
  FullDisk disk{0};
  writer->append(0, record_of("first"));
  ASSERT_TRUE(eventually([&] { return writer->full(); }));
  std::uint64_t appended = 1;
  while (writer->dropped() == 0) {
    writer->append(0, record_of("x"));
    ++appended;
    ASSERT_LT(appended, 1000U);
  }
  disk.heal();
  writer->stop();
  EXPECT_EQ(writer->written(), appended - 1);
  EXPECT_EQ(lines().size(), appended - 1);
}

TEST_F(AuditWriter, EndsThoughTheDiskStaysFullAndCountsTheLoss) {
  auto writer = open(options());
  FullDisk disk{1000};
  for (int i = 0; i < 10; ++i) writer->append(0, record_of("x"));
  writer->stop();
  disk.heal();
  EXPECT_EQ(writer->written(), 1U);  // one line is below 1000 bytes, two are not
  EXPECT_EQ(writer->dropped(), 9U);
  writer.reset();
  open(options())->append(0, record_of("after"));
  EXPECT_EQ(lines().size(), 2U);
  expect_numbered(lines());
}

// A record of these tests is some 450 bytes: room for one.
constexpr std::uint64_t kOneRecord = 700;

std::vector<std::string> named(const std::vector<std::string>& lines, std::string_view event) {
  std::vector<std::string> found;
  std::copy_if(lines.begin(), lines.end(), std::back_inserter(found),
               [&](const std::string& line) { return event_name(line) == event; });
  return found;
}

TEST_F(AuditWriter, AGapThatIsOpenAtTheEndStandsInTheChain) {
  const Receiver receiver;  // nobody listens
  Writer::Options with_copy = options();
  with_copy.copies = *Copies::open({copy_to(receiver, kOneRecord)}, AddressList::any());
  auto writer = open(with_copy);
  for (const char* name : {"a", "b", "c"}) writer->append(0, record_of(name));
  writer->stop({.name = "stop", .actor = "signal"});
  const auto written = lines();
  expect_chained(written);
  const auto gaps = named(written, "copy_gap");
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_NE(gaps[0].find(R"("first_seq":2,"last_seq":3,"records":2)"), std::string::npos) << gaps[0];
  EXPECT_EQ(event_name(written.back()), "stop");
}

TEST_F(AuditWriter, AGapThatFindsNoRoomAmongTheEventsIsNotedLater) {
  Receiver one;
  Receiver other;
  Writer::Options narrow = options();
  narrow.buffer_limit = 1;  // one event at a time
  narrow.copies = *Copies::open({copy_to(one, kOneRecord), copy_to(other, kOneRecord)}, AddressList::any());
  auto writer = open(narrow);
  const auto write = [&](std::uint64_t count) {
    writer->append(0, record_of("x"));
    ASSERT_TRUE(eventually([&] { return writer->written() == count; }));
  };
  for (const std::uint64_t count : {1, 2, 3}) write(count);  // the second and third find no room
  one.listen();
  other.listen();
  ASSERT_TRUE(eventually([&] {
    const auto states = narrow.copies->states();
    return states[0].waiting_bytes == 0 && states[1].waiting_bytes == 0;
  }));
  write(4);                // ends both gaps at once
  const auto told = [&] {  // these two; the queues are so short that events find no room either
    const auto gaps = named(lines(), "copy_gap");
    return std::count_if(gaps.begin(), gaps.end(), [](const std::string& gap) {
      return gap.find(R"("first_seq":2,"last_seq":3,"records":2)") != std::string::npos;
    });
  };
  ASSERT_TRUE(eventually([&] { return told() == 2; }));
  EXPECT_EQ(writer->dropped(), 0U);
  writer->stop();
  EXPECT_EQ(told(), 2);
}

}  // namespace
}  // namespace intragate::audit

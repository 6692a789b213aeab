#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include <array>
#include <future>
#include <string>
#include <thread>
#include <vector>

namespace intragate::log {
namespace {

// Stands in for stderr as long as it lives.
class CapturedStderr {
 public:
  CapturedStderr() {
    saved_ = ::dup(STDERR_FILENO);
    EXPECT_EQ(::pipe2(pipe_.data(), O_CLOEXEC), 0);
    ::dup2(pipe_[1], STDERR_FILENO);
  }
  ~CapturedStderr() {
    end();
    ::close(pipe_[0]);
  }
  // Gives stderr back; readers of the pipe then find its end.
  void end() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    ::close(pipe_[1]);
    saved_ = -1;
  }
  // Reads lines until the end of the pipe.
  std::vector<std::string> lines() {
    std::string all;
    std::array<char, 65536> part{};
    for (ssize_t n = 0; (n = ::read(pipe_[0], part.data(), part.size())) > 0;) {
      all.append(part.data(), static_cast<std::size_t>(n));
    }
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = all.find('\n', at);
      lines.push_back(all.substr(at, end - at));
      at = end + 1;
    }
    return lines;
  }

 private:
  int saved_ = -1;
  std::array<int, 2> pipe_{};
};

TEST(Log, WritesOneJsonObjectALineInOrder) {
  CapturedStderr captured;
  start(Level::info);
  info("first", {{"model", "qwen"}, {"count", 3}});
  warning("second", {{"text", std::string_view{"a\"b\nc"}}});
  stop();
  captured.end();

  const auto lines = captured.lines();
  ASSERT_EQ(lines.size(), 2U);
  simdjson::dom::parser parser;
  const simdjson::dom::element first = parser.parse(lines[0]);
  EXPECT_EQ(std::string_view{first["level"]}, "info");
  EXPECT_EQ(std::string_view{first["event"]}, "first");
  EXPECT_EQ(std::string_view{first["model"]}, "qwen");
  EXPECT_EQ(std::int64_t{first["count"]}, 3);
  EXPECT_EQ(std::string_view{first["time"]}.size(), 24U);
  const simdjson::dom::element second = parser.parse(lines[1]);
  EXPECT_EQ(std::string_view{second["text"]}, "a\"b\nc");
}

TEST(Log, MakesNoLineBelowTheLevel) {
  CapturedStderr captured;
  start(Level::warning);
  info("quiet");
  set_level(Level::debug);
  write(Level::debug, "loud");
  stop();
  captured.end();
  const auto lines = captured.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("loud"), std::string::npos);
  set_level(Level::info);
}

TEST(Log, WritesDirectlyBeforeStartAndAfterStop) {
  CapturedStderr captured;
  info("before");
  start(Level::info);
  stop();
  info("after");
  captured.end();
  EXPECT_EQ(captured.lines().size(), 2U);
}

TEST(Log, SaysHowManyLinesASlowReaderMissed) {
  constexpr std::size_t kWritten = 5'000;
  CapturedStderr captured;
  start(Level::info);
  const std::string padding(500, 'x');  // the pipe and the queue together cannot hold them all
  for (std::size_t i = 0; i < kWritten; ++i) info("flood", {{"padding", std::string_view{padding}}});
  auto reader = std::async(std::launch::async, [&] { return captured.lines(); });
  stop();
  captured.end();

  std::size_t came = 0;
  std::uint64_t missed = 0;
  simdjson::dom::parser parser;
  for (const std::string& line : reader.get()) {
    const simdjson::dom::element object = parser.parse(line);
    if (std::string_view{object["event"]} == "log lines dropped") {
      missed += std::uint64_t{object["count"]};
    } else {
      ++came;
    }
  }
  EXPECT_GT(missed, 0U);
  EXPECT_EQ(came + missed, kWritten);
}

TEST(Log, StopsThoughNobodyReads) {
  CapturedStderr captured;
  start(Level::info);
  const std::string padding(4'000, 'x');
  for (int i = 0; i < 100; ++i) info("flood", {{"padding", std::string_view{padding}}});
  stop();  // returns: that is the test
}

}  // namespace
}  // namespace intragate::log

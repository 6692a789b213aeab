#include "base/log.h"

#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <memory>
#include <mutex>
#include <string>

#include "base/json_write.h"
#include "base/time_text.h"

namespace intragate::log {
namespace {

constexpr std::size_t kQueuedLines = 512;  // about 0.2 MiB, taken at start
constexpr std::size_t kPiece = 4096;       // PIPE_BUF: what a pipe that polls writable takes without blocking
constexpr int kPollMs = 100;
constexpr auto kLastWords = std::chrono::seconds{2};  // how long stop() waits for a reader that reads nothing

std::atomic<Level> level_now{Level::info};

std::string line_of(Level level, std::string_view event, Fields fields) {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  std::string time;
  append_rfc3339(time, std::chrono::system_clock::now());
  std::string line;
  json::Writer json{line};
  json.open_object().text("time", time).text("level", kNames[static_cast<std::size_t>(level)]).text("event", event);
  for (const Field& field : fields) {
    if (field.is_number) {
      json.number(field.name, field.number);
    } else {
      json.text(field.name, field.text);
    }
  }
  json.close_object();
  line += '\n';
  return line;
}

// Writes all of `line`, or gives up when stderr is closed or `give_up` says so and stderr takes nothing.
template <class GiveUp>
void put(std::string_view line, const GiveUp& give_up) {
  while (!line.empty()) {
    pollfd out{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    const bool last_try = give_up();
    if (::poll(&out, 1, last_try ? 0 : kPollMs) == 0) {
      if (last_try) return;
      continue;
    }
    const ssize_t n = ::write(STDERR_FILENO, line.data(), std::min(line.size(), kPiece));
    if (n < 0 && errno != EINTR && errno != EAGAIN) return;
    if (n > 0) line.remove_prefix(static_cast<std::size_t>(n));
  }
}

void put_directly(std::string_view line) {
  const TimePoint until = MonotonicClock::now() + kLastWords;
  put(line, [until] { return MonotonicClock::now() > until; });
}

// Runs on the background thread only, except for hurry().
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // The pool calls this sink from a thread that it joins, so it outlives every call.
  void watch(spdlog::details::thread_pool& pool) { pool_ = &pool; }
  void hurry() { give_up_at_.store((MonotonicClock::now() + kLastWords).time_since_epoch().count()); }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const std::size_t overrun = pool_->overrun_counter();
    if (overrun > reported_) {
      const auto lost = static_cast<std::int64_t>(overrun - reported_);
      reported_ = overrun;
      put(line_of(Level::warning, "log lines dropped", {{"count", lost}}), [this] { return late(); });
    }
    put({message.payload.data(), message.payload.size()}, [this] { return late(); });
  }
  void flush_() override {}

 private:
  bool late() const { return MonotonicClock::now().time_since_epoch().count() > give_up_at_.load(); }

  spdlog::details::thread_pool* pool_ = nullptr;
  std::size_t reported_ = 0;
  std::atomic<std::int64_t> give_up_at_{std::numeric_limits<std::int64_t>::max()};
};

// Signals belong to the loops; a closed stderr must be an error of write(), not a SIGPIPE.
void block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

// The queue, its thread and the sink. Dying, it writes what is queued.
struct Background {
  std::shared_ptr<StderrSink> sink = std::make_shared<StderrSink>();
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1, block_signals);
  std::shared_ptr<spdlog::async_logger> logger =
      std::make_shared<spdlog::async_logger>("intragate", sink, pool, spdlog::async_overflow_policy::overrun_oldest);

  Background() { sink->watch(*pool); }
  ~Background() {
    sink->hurry();
    pool.reset();
  }
};

std::mutex background_mutex;  // guards the pointer only
std::shared_ptr<Background> background;

std::shared_ptr<Background> current() {
  const std::lock_guard lock{background_mutex};
  return background;
}

}  // namespace

void start(Level level) {
  set_level(level);
  auto fresh = std::make_shared<Background>();
  const std::lock_guard lock{background_mutex};
  background = std::move(fresh);
}

void stop() {
  std::shared_ptr<Background> last;
  {
    const std::lock_guard lock{background_mutex};
    last = std::move(background);
    background.reset();
  }
}

void set_level(Level level) {
  level_now.store(level, std::memory_order_relaxed);
}

bool enabled(Level level) {
  return level >= level_now.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view event, Fields fields) {
  if (!enabled(level)) return;
  const std::string line = line_of(level, event, fields);
  if (const auto behind = current()) {
    behind->logger->log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
  } else {
    put_directly(line);
  }
}

}  // namespace intragate::log

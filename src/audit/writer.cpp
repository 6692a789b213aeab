#include "audit/writer.h"

#include <algorithm>

#include "audit/copies.h"
#include "audit/head.h"
#include "audit/quiet_thread.h"
#include "base/json_write.h"
#include "base/log.h"

namespace intragate::audit {
namespace {

constexpr std::size_t kChunk = 64 * 1024;              // written at once
constexpr std::size_t kHurry = 256 * 1024;             // waiting for a loop: wakes the thread early
constexpr std::size_t kSmall = 64 * 1024;              // bytes that are worth no thought: for a buffer, and for a flush
constexpr std::chrono::milliseconds kRetryPause{100};  // between attempts on a full or broken disk
constexpr int kLastAttempts = 10;                      // on stop()

// By find(), which is memchr(): at -O2 counting byte by byte would cost more than everything else the thread does.
std::uint64_t lines_in(std::string_view text) {
  std::uint64_t lines = 0;
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) ++lines;
  return lines;
}

void append_event(std::string& out, const Event& event) {
  append_fields(out, std::chrono::system_clock::now(), event);
  out += '\n';
}

std::string detail_of(const CopyGap& gap) {
  std::string detail;
  json::Writer{detail}
      .open_object()
      .text("to", gap.to)
      .number("first_seq", static_cast<std::int64_t>(gap.first_seq))
      .number("last_seq", static_cast<std::int64_t>(gap.last_seq))
      .number("records", static_cast<std::int64_t>(gap.records))
      .close_object();
  return detail;
}

// Empties a buffer but keeps its memory, so that steady state allocates nothing; what a busy time left goes back in the
// next quiet one.
void reuse(std::string& buffer, bool quiet) {
  if (quiet && buffer.capacity() > kSmall) {
    std::string{}.swap(buffer);  // an assignment would keep the memory
  } else {
    buffer.clear();
  }
}

}  // namespace

// Records wait here as lines without number and end: the thread numbers and seals them while it copies. The mutex is
// the lane's own and the thread holds it for a swap only, so the loop practically never waits.
struct alignas(64) Writer::Lane {
  std::mutex mutex;
  std::string buffer;
  bool closed = false;
  std::atomic<std::uint64_t> appended{0};  // written under the mutex, read by anybody
};

Result<std::unique_ptr<Writer>> Writer::open(Options options) {
#ifdef INTRAGATE_WITHOUT_AUDIT
  log::error("this program keeps no records of calls: it is for measurements only");
#endif
  Result<Files> files = Files::open(options.directory, options.file_limit);
  if (!files) return std::move(files).error();
  std::unique_ptr<Writer> writer{new Writer{std::move(options), *std::move(files)}};
  writer->start();
  return writer;
}

Writer::Writer(Options options, Files files)
    : options_{std::move(options)},
      events_{std::make_unique<Lane>()},
      files_{std::move(files)},
      archive_{options_.directory, options_.archive},
      found_{files_.found()},
      last_{next_link(found_)} {
  found_.head_unsigned = options_.key && found_.head_seq > 0 &&
                         !options_.key->verify(signed_text({found_.head_seq, found_.head_hash}), found_.head_signature);
  signed_at_ = MonotonicClock::now();
  signed_seq_ = last_.seq;
  for (std::size_t i = 0; i < options_.lanes; ++i) lanes_.push_back(std::make_unique<Lane>());
}

void Writer::start() {
  thread_ = quiet_thread("audit", [this] { run(); });
}

Writer::~Writer() {
  stop();
}

void Writer::append(std::size_t index, const Record& record) {
#ifdef INTRAGATE_WITHOUT_AUDIT  // what bench/run compares with; no program that serves anybody is built like that
  (void)index;
  (void)record;
  return;
#endif
  Lane& lane = *lanes_[index];
  std::size_t before = 0;
  std::size_t after = 0;
  {
    const std::lock_guard lock{lane.mutex};
    before = lane.buffer.size();
    if (lane.closed || before >= options_.buffer_limit) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    append_fields(lane.buffer, record);
    lane.buffer += '\n';
    lane.appended.store(lane.appended.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    after = lane.buffer.size();
  }
  if (after >= options_.buffer_limit - options_.buffer_limit / 8) full_.store(true, std::memory_order_relaxed);
  if (before < kHurry && after >= kHurry) {
    const std::lock_guard lock{mutex_};
    hurry_ = true;
    wake_.notify_one();
  }
}

void Writer::note(const Event& event) {
  if (!take_event(event)) dropped_.fetch_add(1, std::memory_order_relaxed);
}

bool Writer::take_event(const Event& event) {
  const std::lock_guard lock{events_->mutex};
  if (events_->closed || events_->buffer.size() >= options_.buffer_limit) return false;
  append_event(events_->buffer, event);
  return true;
}

std::uint64_t Writer::waiting() const {
  const std::uint64_t written = written_.load(std::memory_order_acquire);  // first: it only grows
  std::uint64_t appended = 0;
  for (const auto& lane : lanes_) appended += lane->appended.load(std::memory_order_relaxed);
  return appended - std::min(appended, written);
}

void Writer::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Writer::stop(const Event& last) {
  {
    const std::lock_guard lock{mutex_};
    append_event(last_words_, last);
  }
  stop();
}

void Writer::run() {
  for (;;) {
    wait();
    {
      const std::lock_guard lock{mutex_};
      if (stopping_) break;
    }
    if (drain()) keep_archive();
    keep_head();
    if (options_.copies != nullptr) copies_full_.store(options_.copies->must_refuse(), std::memory_order_relaxed);
  }
  finish();
}

// Until the next flush is due, a lane has much to write, or the end. A failing disk gets its pause whatever the lanes
// hold.
void Writer::wait() {
  std::unique_lock lock{mutex_};
  const Duration pause = failing_ ? Duration{kRetryPause} : options_.flush;
  wake_.wait_for(lock, pause, [this] { return stopping_ || (hurry_ && !failing_); });
  hurry_ = false;
}

// Writes what the lanes hold; false: the disk refuses, the rest stays where it is. Events go first, so that the start
// stands before the first call.
bool Writer::drain() {
  if (!write_taken()) return false;  // what the last attempt left
  if (!take(*events_) || !add_checkpoint()) return false;
  if (!gaps_.empty()) note_gaps();
  for (const auto& lane : lanes_) {
    if (!take(*lane)) return false;
  }
  if (failing_) log::info("audit records are written again", {{"directory", options_.directory}});
  failing_ = false;
  full_.store(false, std::memory_order_relaxed);
  return true;
}

bool Writer::take(Lane& lane) {
  {
    const std::lock_guard lock{lane.mutex};
    taken_.swap(lane.buffer);
  }
  taken_are_calls_ = &lane != events_.get();
  return write_taken();
}

bool Writer::write_taken() {
  if (!write_numbered()) return false;
  while (taken_at_ < taken_.size()) {
    number_lines();
    if (!write_numbered()) return false;
  }
  const bool quiet = taken_.size() < kSmall;
  reuse(taken_, quiet);
  reuse(numbered_, quiet);
  taken_at_ = 0;
  return true;
}

std::string Writer::signature(const Link& link) const {
  return options_.key ? options_.key->sign(signed_text(link)) : std::string{};
}

// When one is due and something happened since the last: it signs the record before it, and so all before that. Comes
// behind the events, because it is none of the records of calls that are counted.
bool Writer::add_checkpoint() {
  const TimePoint now = MonotonicClock::now();
  if (!options_.key || now - signed_at_ < options_.sign_every || last_.seq == signed_seq_) return true;
  signed_at_ = now;
  std::string detail;
  json::Writer{detail}
      .open_object()
      .text("algorithm", options_.key->algorithm())
      .text("key_id", options_.key->id())
      .text("signature", signature(last_))
      .close_object();
  const std::size_t begin = numbered_.size();
  append_seq(numbered_, ++last_.seq);
  append_fields(numbered_, std::chrono::system_clock::now(),
                {.name = "checkpoint", .actor = "gateway", .detail = detail});
  seal(numbered_, begin, last_);
  signed_seq_ = last_.seq;
  return write_numbered();
}

void Writer::keep_archive() {
  const std::optional<std::string> removal = archive_.work(files_.number(), std::chrono::system_clock::now());
  if (removal) note({.name = "removed", .actor = "gateway", .detail = *removal});
}

// Moves lines from taken_ to numbered_, a chunk at most.
void Writer::number_lines() {
  while (taken_at_ < taken_.size() && numbered_.size() < kChunk) {
    const std::size_t end = taken_.find('\n', taken_at_);
    const std::size_t begin = numbered_.size();
    append_seq(numbered_, ++last_.seq);
    numbered_.append(taken_, taken_at_, end - taken_at_);
    seal(numbered_, begin, last_);
    taken_at_ = end + 1;
  }
}

// Goes on at the very byte where a full disk stopped it, so lines stay whole.
bool Writer::write_numbered() {
  if (numbered_.empty()) return true;
  if (numbered_at_ == 0) {
    if (Result<Unit> ready = files_.make_ready(); !ready) {
      complain(ready.error());
      return false;
    }
  }
  while (numbered_at_ < numbered_.size()) {
    const std::string_view rest = std::string_view{numbered_}.substr(numbered_at_);
    const Result<std::size_t> n = files_.append(rest);
    if (!n) {
      complain(n.error());
      return false;
    }
    if (taken_are_calls_) written_.fetch_add(lines_in(rest.substr(0, *n)), std::memory_order_relaxed);
    numbered_at_ += *n;
  }
  if (options_.copies != nullptr) offer_copies();
  numbered_.clear();
  numbered_at_ = 0;
  on_disk_ = last_;
  note_losses();
  return true;
}

void Writer::offer_copies() {
  options_.copies->offer(numbered_);
  for (CopyGap& gap : options_.copies->take_gaps()) gaps_.push_back(std::move(gap));
  note_gaps();
}

// What a copy lacks stands in the files, and in the copy itself. What finds no room among the events is noted when they
// have been written.
void Writer::note_gaps() {
  std::erase_if(gaps_, [this](const CopyGap& gap) {
    return take_event({.name = "copy_gap", .actor = "gateway", .outcome = "error", .detail = detail_of(gap)});
  });
}

// At the end, when the lane of events is this thread's alone: no copy takes anything that would end its gap.
void Writer::close_gaps() {
  if (options_.copies == nullptr) return;
  for (CopyGap& gap : options_.copies->take_open_gaps()) gaps_.push_back(std::move(gap));
  for (const CopyGap& gap : gaps_) {
    append_event(events_->buffer,
                 {.name = "copy_gap", .actor = "gateway", .outcome = "error", .detail = detail_of(gap)});
  }
  gaps_.clear();
}

void Writer::note_losses() {
  const std::string lost = files_.take_lost();
  if (lost.empty()) return;
  std::string detail;
  json::Writer{detail}.open_object().text("file", lost).close_object();
  note({.name = "file_lost", .actor = "gateway", .outcome = "error", .detail = detail});
}

// At most once in a flush: under load a head for every chunk would be four system calls for some 300 records.
void Writer::keep_head() {
  const TimePoint now = MonotonicClock::now();
  if (on_disk_ == in_head_ || now - head_written_ < options_.flush) return;
  head_written_ = now;
  const Result<Unit> written =
      write_head(options_.directory, {on_disk_, signature(on_disk_)}, std::chrono::system_clock::now());
  if (written) in_head_ = on_disk_;
  if (!written && !head_failing_ && !failing_) log::error("audit head", {{"reason", written.error().message}});
  head_failing_ = !written;
}

void Writer::complain(const Error& error) {
  full_.store(true, std::memory_order_relaxed);
  if (failing_) return;
  failing_ = true;
  log::error("audit records cannot be written, they wait in memory", {{"reason", error.message}});
}

void Writer::close(Lane& lane) {
  const std::lock_guard lock{lane.mutex};
  lane.closed = true;
}

// After this every record that append() took is on disk, or was counted as dropped.
void Writer::finish() {
  for (const auto& lane : lanes_) close(*lane);
  bool done = drain();
  for (int attempt = 1; !done && attempt < kLastAttempts; ++attempt) {
    std::this_thread::sleep_for(kRetryPause);
    done = drain();
  }
  close(*events_);  // after the calls: their records may have found that a file was lost
  if (done) {
    close_gaps();
    events_->buffer += last_words_;  // closed: nobody else looks at it
    done = drain();
  }
  head_written_ = {};
  keep_head();
  if (Result<Unit> synced = files_.sync(); !synced) complain(synced.error());
  if (options_.copies != nullptr) options_.copies->finish();
  if (done) return;

  std::uint64_t lost = lines_in(std::string_view{numbered_}.substr(numbered_at_));
  lost += lines_in(std::string_view{taken_}.substr(taken_at_));
  for (const auto& lane : lanes_) lost += lines_in(lane->buffer);
  lost += lines_in(events_->buffer);
  dropped_.fetch_add(lost, std::memory_order_relaxed);
  log::error("audit records lost: the disk took none until the end", {{"count", static_cast<std::int64_t>(lost)}});
}

}  // namespace intragate::audit

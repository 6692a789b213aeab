// Writes audit records to data_dir/audit off the loops. Each loop appends formatted records to a Lane of its own (no
// lock contention with other loops); one background thread gathers the lanes, numbers the records (`seq`), chains them
// (chain.h), writes and flushes every 100 ms or 256 KiB. Losing nothing: stop() writes what is left and fsyncs. Owner:
// app. Thread: append() from the lane's loop only; the rest from any. Does not: decide what to do when full: full()
// says.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "audit/archive.h"
#include "audit/files.h"
#include "audit/record.h"
#include "base/result.h"
#include "net/seal_key.h"

namespace intragate::audit {

class Copies;
struct CopyGap;

class Writer {
 public:
  struct Options {
    std::string directory;                         // data_dir/audit; made if missing, mode 0700; files 0600
    std::size_t lanes = 1;                         // one per loop
    std::size_t buffer_limit = 16 * 1024 * 1024;   // bytes waiting per lane before records are dropped
    std::uint64_t file_limit = 256 * 1024 * 1024;  // then the next file is begun
    Duration flush = std::chrono::milliseconds{100};
    Archive::Options archive{};
    std::shared_ptr<const net::SealKey> key{};  // signs checkpoints and the head
    Duration sign_every = std::chrono::minutes{1};
    std::shared_ptr<Copies> copies{};  // where else the records go; null: nowhere
  };
  // Errors: io, with a message that names the directory and what to do. Goes on after the highest `seq` on disk; a torn
  // last line (crash) is cut off and said in the log.
  static Result<std::unique_ptr<Writer>> open(Options options);
  ~Writer();  // stop()

  // What this start found of the run before.
  [[nodiscard]] const Found& found() const { return found_; }
  // Takes what was done by an administrator or by the gateway itself. Any thread; never
  // blocks. The order among events is kept.
  void note(const Event& event);
  // Takes a record. Never blocks for the disk; a record that finds its lane full is counted as dropped.
  void append(std::size_t lane, const Record& record);
  // True while records cannot be written or a lane is nearly full: audit.on_full=refuse then refuses new calls.
  [[nodiscard]] bool full() const { return full_.load(std::memory_order_relaxed); }
  // True while a copy that must have every record cannot take more: new calls are to be refused.
  [[nodiscard]] bool copies_full() const { return copies_full_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  // Records of calls that are appended but not on disk yet.
  [[nodiscard]] std::uint64_t waiting() const;
  // Records of calls on disk; events are not counted.
  [[nodiscard]] std::uint64_t written() const { return written_.load(std::memory_order_relaxed); }
  // Writes and fsyncs everything appended so far, ends the thread. Idempotent.
  void stop();
  // The same; `last` stands behind every record.
  void stop(const Event& last);

 private:
  struct Lane;
  explicit Writer(Options options, Files files);
  void start();
  // False: there is no room.
  bool take_event(const Event& event);
  void run();
  void wait();
  bool drain();
  bool take(Lane& lane);
  bool write_taken();
  void number_lines();
  bool write_numbered();
  void offer_copies();
  void note_gaps();
  void close_gaps();
  void note_losses();
  void keep_head();
  void keep_archive();
  bool add_checkpoint();
  [[nodiscard]] std::string signature(const Link& link) const;
  void complain(const Error& error);
  static void close(Lane& lane);
  void finish();

  Options options_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<Lane> events_;
  std::atomic<bool> full_{false};
  std::atomic<bool> copies_full_{false};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> written_{0};

  std::mutex mutex_;  // guards the three below
  std::condition_variable wake_;
  bool stopping_ = false;
  bool hurry_ = false;  // a lane has much to write
  std::string last_words_;

  // The rest is the thread's own. A record travels lane → taken_ → numbered_ → file.
  Files files_;
  Archive archive_;
  Found found_;        // written before the thread is there
  Link last_;          // the last record that was sealed
  std::string taken_;  // a lane's buffer, swapped out
  bool taken_are_calls_ = false;
  std::size_t taken_at_ = 0;
  std::string numbered_;         // whole lines
  std::size_t numbered_at_ = 0;  // what was written already, to the byte
  bool failing_ = false;
  Link on_disk_;               // the last record whose line is whole on disk
  Link in_head_;               // the one that the head names
  std::vector<CopyGap> gaps_;  // of copies, that found no room among the events
  TimePoint head_written_{};
  bool head_failing_ = false;
  TimePoint signed_at_{};
  std::uint64_t signed_seq_ = 0;
  std::thread thread_;
};

}  // namespace intragate::audit

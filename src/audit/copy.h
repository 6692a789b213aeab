// One place where records go besides the files: a bounded queue of written lines, and the connection that empties it.
// Whoever does not take them is tried again with growing pauses, and what finds no room meanwhile is counted as
// dropped, the newest first, so that a copy lacks a stretch and never single records; who asks is told which. Over TCP
// a record stays here until the target's system has acknowledged it: after a broken connection it is sent again,
// perhaps twice, but not lost. Owner: Copies. Thread: offer() the writer's; state() and must_refuse() any; the rest the
// loop's. Does not: read the files again for what was dropped.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "audit/syslog.h"
#include "base/address.h"
#include "base/result.h"
#include "config/audit.h"
#include "net/socket.h"
#include "net/task.h"
#include "net/tls.h"

namespace intragate::audit {

struct CopyState {
  std::string to;
  std::uint64_t sent = 0;     // records that its system has taken; by UDP: that were sent
  std::uint64_t dropped = 0;  // records that it lacks
  std::uint64_t waiting_bytes = 0;
  std::string trouble;  // empty: it takes them
};

// Records that found no room in a copy's queue, from the first to the last: those of a stretch.
struct CopyGap {
  std::string to;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::uint64_t records = 0;
};

class Copy {
 public:
  struct Rules {
    config::AuditCopy to;
    AddressList egress;
    std::shared_ptr<const net::TlsContext> tls;  // null: plain
  };
  // Errors: invalid_configuration.
  [[nodiscard]] static Result<Rules> rules_of(const config::AuditCopy& to, const AddressList& egress);

  Copy(net::Loop& loop, Rules rules, const SyslogOrigin& origin);

  // Whole lines that are on disk.
  void offer(std::string_view lines);
  // What found no room before that which was taken last. Once for each, and until then nothing more is taken; the
  // writer's thread.
  [[nodiscard]] std::optional<CopyGap> take_gap();
  // At the end: one that still goes on ends here. The writer's thread.
  void end_gap();
  // It must have every record, and its queue is nearly full, or something found no room since it was half empty.
  [[nodiscard]] bool must_refuse() const;
  [[nodiscard]] CopyState state() const;

  // Sends until finish() was called and nothing is left, or give_up().
  [[nodiscard]] net::Task<void> run();
  void adopt(Rules rules);
  void finish() { finishing_.set(); }
  void give_up();

 private:
  struct Batch {
    std::string bytes;  // as they are sent
    std::uint64_t lines = 0;
    std::uint64_t held = 0;  // of the queue's room
  };
  net::Task<Result<Unit>> send_stream();
  net::Task<Result<Unit>> send_datagrams();
  net::Task<Result<net::Socket>> connect();
  net::Task<Result<SocketAddress>> find();
  net::Task<Result<Unit>> watch(net::Socket& socket);
  [[nodiscard]] bool done() const { return finishing_.is_set() && batches_.empty() && nothing_waits(); }
  [[nodiscard]] bool nothing_waits() const;
  std::string take_lines();
  bool add_batch();
  void confirm(const net::Socket& socket);
  void let_go(const Batch& batch, bool arrived);
  void say(std::string trouble);
  void note_gap(std::string_view lost);

  net::Loop& loop_;
  Rules rules_;
  const SyslogOrigin& origin_;
  const std::string name_;           // rules_.to.to, which does not change
  std::atomic<std::uint64_t> room_;  // bytes that the queue may hold
  std::atomic<bool> needed_;         // whether calls are refused for it
  std::atomic<std::uint64_t> held_{0};
  std::atomic<bool> overflowed_{false};
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<std::uint64_t> dropped_{0};

  // The writer's thread's.
  CopyGap gap_;                   // goes on
  std::optional<CopyGap> ended_;  // what came behind it was taken

  mutable std::mutex mutex_;  // guards the two below
  std::string waiting_;       // lines
  std::string trouble_;

  // The loop's.
  std::deque<Batch> batches_;  // taken, and not acknowledged yet
  std::size_t next_ = 0;       // the first of them that was not written on this connection
  bool renew_ = false;         // the rules have changed: connect again
  net::Signal finishing_;
  net::Cancellation closing_;
};

}  // namespace intragate::audit

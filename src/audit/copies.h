// Where records go besides the files, as they are written: syslog servers and receivers of lines (audit.copies). One
// thread with a loop of its own serves them all, so that neither calls nor the files ever wait for one; each has a
// bounded queue. Owner: app and the Writer together. Thread: offer(), take_gaps() and finish() the writer's; the rest
// any. Does not: keep anything over a restart; the files do.
#pragma once

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "audit/copy.h"
#include "audit/syslog.h"
#include "base/result.h"
#include "config/audit.h"
#include "net/loop.h"

namespace intragate::audit {

// Whether both name the same targets in the same order, so that a running gateway can go from one to the other.
[[nodiscard]] bool same_places(const std::vector<config::AuditCopy>& a, const std::vector<config::AuditCopy>& b);

class Copies {
 public:
  // Errors: invalid_configuration.
  static Result<std::shared_ptr<Copies>> open(const std::vector<config::AuditCopy>& copies, const AddressList& egress);
  ~Copies();
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;

  // Whole lines that are on disk now. Never blocks.
  void offer(std::string_view lines);
  // What copies lack, as soon as they take records again: a gap is told once. The writer's thread.
  [[nodiscard]] std::vector<CopyGap> take_gaps();
  // At the end: what is open too, because nothing comes behind it.
  [[nodiscard]] std::vector<CopyGap> take_open_gaps();
  // One that must have every record cannot take more: calls are to be refused.
  [[nodiscard]] bool must_refuse() const;
  [[nodiscard]] std::vector<CopyState> states() const;
  // Certificates, egress, sizes; REQUIRES: same_places. Errors: invalid_configuration; all stays as it was then.
  Result<Unit> adopt(const std::vector<config::AuditCopy>& copies, const AddressList& egress);
  // Sends what is left, for at most three seconds, and ends the thread. Idempotent.
  void finish();

 private:
  Copies();
  net::Task<void> serve(Copy& copy);
  net::Task<void> end_in_time();

  SyslogOrigin origin_ = syslog_origin();
  net::Loop loop_{0};
  std::vector<std::unique_ptr<Copy>> copies_;
  std::size_t busy_ = 0;  // copies whose task runs; the loop's
  net::Signal all_done_;
  std::thread thread_;
};

}  // namespace intragate::audit

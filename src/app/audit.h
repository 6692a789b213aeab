// The verbs `audit verify | query | export | tail`: they read an audit directory, with or without a gateway that writes
// to it, and change nothing. Each returns the exit code: 0 good, 1 the answer is no, 2 wrong use. Thread: the main one.
#pragma once

#include <cstdint>
#include <string>

#include "app/commands.h"
#include "audit/filter.h"

namespace intragate::app {

// Which directory: named, or that of a configuration.
struct AuditPlace {
  std::string config_file;
  std::string env_file;
  std::string directory;
};

struct AuditVerifyOptions {
  AuditPlace place;
  std::string key_file;    // that checks signatures; empty: the configuration's
  std::uint64_t from = 0;  // breaks before this record are accepted
};
[[nodiscard]] int audit_verify(const AuditVerifyOptions& options, Output output);

struct AuditQueryOptions {
  AuditPlace place;
  audit::Filter filter;
  std::string since;  // as typed: a moment, a day, or how long ago
  std::string until;
  std::uint64_t limit = 0;       // 0: none
  bool follow = false;           // tail
  std::string format = "table";  // table, jsonl, csv
  std::string output_file;       // export; empty: standard output
};
// query and export.
[[nodiscard]] int audit_query(AuditQueryOptions options);
[[nodiscard]] int audit_tail(AuditQueryOptions options);

}  // namespace intragate::app

// `audit` of the configuration as typed data, every default beside its field; sizes are bytes. Owner: the Config.
// Thread: any. Does not: open files (app/audit_writer.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "config/key.h"
#include "config/secret.h"
#include "config/tls.h"

namespace intragate::config {

using namespace std::chrono_literals;

enum class OnFull : std::uint8_t { refuse, drop };
// How the files are kept; changes only with a restart.
struct AuditFiles {
  Duration flush = 100ms;                              // what a crash may lose
  std::uint64_t file_size = std::uint64_t{256} << 20;  // then the next file begins
  bool compress = true;                                // files that are full
  Duration keep{};                                     // files whose last record is older go; zero: none does
  std::uint64_t max_total = 0;                         // of all files; 0: any
  Secret sign_key;                                     // of checkpoints and the head; empty: not signed
  Duration sign_every = 1min;                          // a checkpoint
  friend bool operator==(const AuditFiles&, const AuditFiles&) = default;
};
// Where else records go as they are written. Changes of what says where to need a restart.
struct AuditCopy {
  enum class Form : std::uint8_t { syslog, lines };     // RFC 5424, or the records as they are
  enum class Way : std::uint8_t { datagrams, stream };  // UDP, TCP
  std::string to;                                       // as written
  std::string host;                                     // a name or an address without brackets
  std::uint16_t port = 0;
  Form form = Form::syslog;
  Way way = Way::stream;
  std::optional<EndpointTls> tls{};
  std::uint64_t buffer = std::uint64_t{16} << 20;  // what waits while nobody takes it
  OnFull on_full = OnFull::drop;                   // when that is full
  friend bool operator==(const AuditCopy&, const AuditCopy&) = default;
};
struct Audit {
  OnFull on_full = OnFull::refuse;
  Content content = Content::none;        // of keys that say nothing else
  std::uint64_t max_content = 16 * 1024;  // of a prompt, and of an answer
  AuditFiles files;
  std::vector<AuditCopy> copies;
  friend bool operator==(const Audit&, const Audit&) = default;
};

}  // namespace intragate::config

// The gateway's own certificates: how its listeners speak TLS, and how long each certificate lasts, those of the
// authorities it trusts and their lists of revoked ones included. Thread: any, where
// not said otherwise. Does not: read files (the configuration holds what they say), know certificates of others.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "metrics/registry.h"
#include "net/tls.h"

namespace intragate::app {

using DoorTls = std::shared_ptr<const net::TlsContext>;  // null: plain
using DoorsTls = std::vector<DoorTls>;                   // in the order of config.listen

// Where the rules did not change it is `known`, so that clients keep their sessions. Errors: invalid_configuration.
[[nodiscard]] Result<DoorTls> door_tls_of(const std::optional<config::ListenTls>& next,
                                          const std::optional<config::ListenTls>& old, const DoorTls& known);

// Those of `next`. A listener of `old` whose rules did not change keeps its own of `known`, and so its clients their
// sessions. Errors: invalid_configuration.
[[nodiscard]] Result<DoorsTls> doors_tls_of(const config::Config& next, const config::Config& old,
                                            const DoorsTls& known);

// Whether somebody whose certificate was accepted may not be any more.
[[nodiscard]] bool changes_client_rules(const DoorsTls& old, const DoorsTls& next);

struct CertificateUse {
  std::string use;  // "listener 0.0.0.0:8443", "endpoint qwen/0", "admin 127.0.0.1:8081"; with " crl" behind it …
  std::string_view what;  // for people: "certificate", "list of revoked certificates", …
  WallTime expires;
};
[[nodiscard]] std::vector<CertificateUse> certificates_of(const config::Config& config);

// Says in the log, once a day, which certificates end within thirty days. Thread: one.
class ExpiryNotice {
 public:
  void warn(const config::Config& config, TimePoint now);

 private:
  TimePoint said_at_{};
};

// The gauges of certificates. Thread: the one that scrapes.
class ExpiryGauges {
 public:
  void publish(metrics::Shard& process, const config::Config& config);

 private:
  std::set<std::string> published_;
};

}  // namespace intragate::app

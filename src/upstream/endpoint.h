// One place where a model answers, as it runs: its configuration, its health, how many calls are there now.
// Owner:  snapshots share it; it survives a reload that does not change its configuration.
// Thread: all loops; what changes is atomic. Does not: hold connections (each loop's Pool does), choose, retry.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/ticket.h"
#include "config/config.h"
#include "upstream/health.h"

namespace intragate::upstream {

class Endpoint {
 public:
  // `id` names it to clients and in metrics without telling its address: "qwen2.5-7b/0".
  Endpoint(std::string id, config::Endpoint configured, const config::Health& health);

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const config::Endpoint& configured() const { return configured_; }
  // Its place among all endpoints for sessions (choice.h): the same in every gateway, and after a reload that moves it.
  [[nodiscard]] std::uint64_t point() const { return point_; }
  [[nodiscard]] const config::Health& health_rule() const { return health_rule_; }
  [[nodiscard]] Health& health() { return health_; }
  [[nodiscard]] const Health& health() const { return health_; }

  // The lines of every request's head that never change: Host and the credentials.
  [[nodiscard]] const std::string& fixed_headers() const { return fixed_headers_; }

  // How to speak TLS there; null: plain, or, where configured().tls is set, a configuration that cannot be used.
  [[nodiscard]] const std::shared_ptr<const net::TlsContext>& tls() const { return tls_; }

  // Whether calls go there as gRPC, over HTTP/2.
  [[nodiscard]] bool speaks_grpc() const { return configured_.dialect == config::kTritonGrpc; }

  // A call under way; the ticket is in the exchange.
  using Grant = Unit;
  [[nodiscard]] Ticket<Endpoint> enter() {
    in_flight_.fetch_add(1, std::memory_order_relaxed);
    return {*this, {}};
  }
  void give_back(Grant /*unused*/) noexcept { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }

  // Pooled connections of all loops; the pools count here.
  std::atomic<std::uint32_t> idle_connections{0};

 private:
  std::string id_;
  config::Endpoint configured_;
  std::uint64_t point_;
  std::string fixed_headers_;
  std::shared_ptr<const net::TlsContext> tls_;
  config::Health health_rule_;
  Health health_;
  std::atomic<std::uint32_t> in_flight_{0};
};

}  // namespace intragate::upstream

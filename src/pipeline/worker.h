// One loop's part of the gateway: its connections, pools, counters, and the snapshot it works with. Nothing here is
// shared. Owner: app, one per loop; outlives every exchange. Thread: its loop, except where said.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "audit/writer.h"
#include "auth/turned_away.h"
#include "auth/wrong_keys.h"
#include "base/random.h"
#include "dialect/known_answers.h"
#include "dialect/known_events.h"
#include "llm/call.h"
#include "metrics/registry.h"
#include "net/aside.h"
#include "net/http_connection.h"
#include "net/list.h"
#include "net/loop.h"
#include "pipeline/journey.h"
#include "pipeline/ledger.h"
#include "pipeline/renew.h"
#include "pipeline/route.h"
#include "pipeline/snapshot.h"
#include "upstream/choice.h"
#include "upstream/pool.h"
#include "upstream/retry.h"

namespace intragate::pipeline {

struct Door;

// One open client connection, as shutdown and administrators see it.
struct ClientEntry : net::ListHook {
  net::Cancellation* cancellation = nullptr;
  const Door* door = nullptr;
  SocketAddress peer;
  Exchange* exchange = nullptr;  // while a request is served
};

// What one loop remembers of a model between calls: also the metrics of calls that go well, looked up once.
struct LaneState {
  // One for each API that models serve; made when first needed.
  struct ApiMetrics {
    metrics::Counter* ok = nullptr;
    metrics::Histogram* request_seconds = nullptr;
    metrics::Histogram* first_token_seconds = nullptr;
    metrics::Histogram* tokens_in = nullptr;
    metrics::Histogram* tokens_out = nullptr;
  };
  std::array<ApiMetrics, llm::kApis> api;
  std::vector<metrics::Counter*> attempts_ok;  // by endpoint
  dialect::KnownAnswers answers;
  // Of chat and of completions. Streams outlive a reload, which forgets this state.
  std::array<std::shared_ptr<dialect::KnownEvents>, 2> events;
  upstream::Choice choice;
  upstream::RetryBudget budget;
  upstream::RetryBudget hedges;  // theirs
  metrics::Gauge& open_streams;
  metrics::Histogram& inter_token;
  metrics::Histogram& queue_wait;
};

// A listener as one loop sees it. A reload replaces the rules, on the loop itself; connections keep the limits they
// began with.
struct Door {
  config::Listen rules;
  std::string name;                                  // its address, for metrics
  std::shared_ptr<std::atomic<std::uint32_t>> open;  // connections of all loops
  std::shared_ptr<const net::TlsContext> tls{};      // null: plain
};
[[nodiscard]] net::HttpLimits limits_of(const config::Listen& rules);

class Worker {
 public:
  struct Parts {
    net::Loop& loop;
    audit::Writer& audit;
    metrics::Shard& metrics;
    Ledger& ledger;
    auth::WrongKeys& wrong_keys;
    auth::TurnedAway& turned_away;
    SecretWatch& secrets;
    RouteTable routes;
  };
  Worker(Parts parts, const std::shared_ptr<const Snapshot>& snapshot);

  [[nodiscard]] net::Loop& loop() { return parts_.loop; }
  [[nodiscard]] metrics::Shard& metrics() { return parts_.metrics; }
  [[nodiscard]] audit::Writer& audit() { return parts_.audit; }
  [[nodiscard]] Ledger& ledger() { return parts_.ledger; }
  [[nodiscard]] auth::WrongKeys& wrong_keys() { return parts_.wrong_keys; }
  [[nodiscard]] SecretWatch& secrets() { return parts_.secrets; }
  [[nodiscard]] RouteTable routes() const { return parts_.routes; }
  [[nodiscard]] upstream::Pool& pool() { return pool_; }
  [[nodiscard]] net::Aside& aside() { return aside_; }
  [[nodiscard]] Journey& journey() { return journey_; }
  // The loop's own copy of the pointer: taking it does not touch memory that other loops write.
  [[nodiscard]] const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  void adopt(const std::shared_ptr<const Snapshot>& snapshot);
  [[nodiscard]] LaneState& state_of(const Lane& lane);

  // Scratch memory that is valid until the caller waits for anything.
  [[nodiscard]] std::vector<net::Header>& headers() { return headers_; }
  [[nodiscard]] std::string& scratch() { return scratch_; }

  // "Mon, 23 Nov 2026 22:46:23 GMT", made once a second.
  [[nodiscard]] std::string_view date();
  // Uniform in [0, 1): jitter, choice.
  [[nodiscard]] double random() { return random_.unit(); }

  // Serves a connection until it ends. The address has been let in already.
  void serve(net::Socket socket, const SocketAddress& peer, Door& door);
  // A connection that was not let in: a counter, and a record where it is none of a crowd; it is closed unread.
  void refuse(const SocketAddress& peer, const Door& door, Code why);
  // Makes room at a door that is full: its connection that has waited longest without a request is closed, so that
  // nobody who is merely there keeps others out. False: none waits on this loop.
  bool close_longest_resting(const Door& door);

  // The requests that are being served now. Valid until anything waits.
  [[nodiscard]] std::vector<Exchange*> exchanges();
  // Who may connect by certificate has changed: connections that rest are closed, the others after their call.
  void close_resting();

  // Shutdown: connections without a call are closed, the others after their call; no new calls.
  void drain();
  [[nodiscard]] bool draining() const { return draining_; }
  // Shutdown's end: whatever still goes on is cancelled.
  void cancel_all();
  // Connections and calls that are still there.
  [[nodiscard]] std::size_t connections() const { return open_; }

 private:
  friend class OpenConnection;
  Parts parts_;
  std::shared_ptr<const Snapshot> snapshot_;
  upstream::Pool pool_;
  net::Aside aside_;  // counts long prompts
  Journey journey_;
  std::vector<net::Header> headers_;
  std::string scratch_;
  std::string date_;
  std::int64_t date_second_ = 0;
  Random random_;
  // By the lane, which lives in a snapshot: adopt() forgets all, so that an address is never taken for a later lane's.
  std::unordered_map<const Lane*, LaneState> lanes_;
  net::ListHook resting_;  // connections without a request, those that have been so for longest first
  net::ListHook busy_;     // those with one
  std::size_t open_ = 0;
  bool draining_ = false;
};

}  // namespace intragate::pipeline

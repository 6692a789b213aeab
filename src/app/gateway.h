// The running gateway: loops and their workers, doors, snapshot, discovery, books. Everything that lives as long as
// `serve` does. Owner: the serve command. Thread: built and ended by the main thread; reload() from the main thread or
// a signal's. Does not: parse command lines, read configuration files (serve.cpp hands them in).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "admin/server.h"
#include "app/certificates.h"
#include "app/discovery.h"
#include "app/engine_watch.h"
#include "app/key_keeper.h"
#include "audit/copies.h"
#include "audit/writer.h"
#include "auth/turned_away.h"
#include "auth/wrong_keys.h"
#include "base/random.h"
#include "metrics/registry.h"
#include "net/digest.h"
#include "net/listener.h"
#include "net/loop.h"
#include "pipeline/worker.h"

namespace intragate::app {

class Gateway {
 public:
  // Opens ports, data directory and audit files. Errors: io, invalid_configuration, with a reason for people.
  static Result<std::unique_ptr<Gateway>> open(std::shared_ptr<const config::Config> config);
  ~Gateway();

  // Starts the loops and asks endpoints for their models; returns when it accepts calls (after at most `patience` for
  // the names of a "*" entry) and the endpoints of named models have been asked, or a moment later.
  void start(Duration patience);
  // Swaps the configuration. Errors: invalid_configuration when it asks for what only a restart can change (then
  // nothing changes).
  // `cause`, for the record: "signal" or "file".
  Result<Unit> reload(std::shared_ptr<const config::Config> config, std::string_view cause);
  // Around a look at the configuration's files, which a model that refuses our credentials may ask for (SIGUSR1).
  void look_begins() { ++secret_watch_.begun; }
  void look_ends() { secret_watch_.done = secret_watch_.begun.load(); }
  // Once a second or so: what has to be done now and then. The main thread.
  void tick();
  void refuse_reload(std::string_view cause, std::string_view problem) { count_reload(cause, problem); }
  // Graceful end: no new calls, open ones finish within config.drain, then are cancelled. Writes all records. `hurry`
  // may become true meanwhile: then what is open is cancelled at once.
  void stop(const std::function<bool()>& hurry);

  [[nodiscard]] std::vector<std::string> listening() const;  // addresses, as bound
  [[nodiscard]] std::string admin_listening() const;
  // What proves to the admin address that somebody can read this gateway's files; a new one for each start.
  [[nodiscard]] const config::Secret& admin_secret() const { return admin_secret_; }
  [[nodiscard]] std::shared_ptr<const pipeline::Snapshot> snapshot() const;
  // URLs of endpoints that have not answered so far.
  [[nodiscard]] std::vector<std::string> silent_endpoints() const;

 private:
  // One listening address on one loop.
  struct Entrance {
    net::Listener listener;
    pipeline::Door door;
    net::Cancellation closing;  // ends accepting
  };
  // One thread and what runs on it.
  struct Core {
    std::unique_ptr<net::Loop> loop;
    std::unique_ptr<pipeline::Worker> worker;
    std::vector<std::unique_ptr<Entrance>> entrances;  // in the order of config.listen; addresses do not move
    std::thread thread;
  };
  explicit Gateway(std::shared_ptr<const config::Config> config)
      : memory_{config->memory_limit}, config_{std::move(config)} {}
  Result<Unit> open_books();
  Result<Unit> open_keys();
  void open_cores();
  Result<Unit> open_doors();
  Result<Unit> open_admin();
  [[nodiscard]] admin::Server::Rules admin_rules() const;
  Result<Unit> adopt(std::shared_ptr<const config::Config> config);
  void discovered(pipeline::Discovered found);
  void start_keys();
  Result<Unit> take_issued(std::vector<auth::IssuedKey> issued);
  [[nodiscard]] net::Task<Result<admin::KeyAnswer>> ask_keys(admin::KeyRequest request, net::Until until);
  void remind_of_keys(TimePoint now);
  void publish_keys(const pipeline::Snapshot& now_snapshot);
  void on_every_core(const std::function<void(Core&)>& action);  // waits until all have done it
  bool wait_for_quiet(Deadline deadline);
  [[nodiscard]] std::vector<pipeline::Worker*> workers() const;
  [[nodiscard]] admin::Readiness readiness() const;
  [[nodiscard]] std::string metrics_text();
  void publish_totals();
  void note_turned_away(const std::optional<auth::TurnedAway::Rest>& rest);
  void save_usage_now();
  void publish_endpoints(const pipeline::Snapshot& now_snapshot);
  void publish_lanes(const pipeline::Snapshot& now_snapshot);
  void count_reload(std::string_view cause, std::string_view problem);  // no problem: it was taken

  std::shared_ptr<audit::Copies> copies_;  // null: none
  std::unique_ptr<audit::Writer> audit_;
  std::unique_ptr<metrics::Registry> metrics_;
  std::unique_ptr<pipeline::Ledger> ledger_;
  pipeline::SecretWatch secret_watch_;
  auth::WrongKeys wrong_keys_{thread_random().next()};
  auth::TurnedAway turned_away_;
  config::Secret admin_secret_{net::random_secret("")};
  net::MemoryLimit memory_;
  TimePoint saved_at_ = MonotonicClock::now();
  bool usage_saved_ = false;
  std::vector<std::unique_ptr<Core>> cores_;
  net::Cancellation admin_closing_;
  std::unique_ptr<admin::Server> admin_;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<EngineWatch> engine_watch_;
  std::unique_ptr<KeyKeeper> keeper_;
  std::optional<TimePoint> reminded_at_;  // of keys that need attention
  mutable std::mutex mutex_;              // guards the four below
  std::shared_ptr<const config::Config> config_;
  std::shared_ptr<const pipeline::Snapshot> snapshot_;
  pipeline::Discovered discovered_;
  std::vector<auth::IssuedKey> issued_;  // the store's
  DoorsTls doors_tls_;                   // of config_
  DoorTls admin_tls_;                    // the same
  ExpiryNotice expiry_;                  // of the main thread
  ExpiryGauges expiry_gauges_;
  std::set<std::string> published_endpoints_;  // ids that have gauges; of the thread that scrapes
  std::set<std::string> published_keys_;       // the same, of keys that end
  std::set<std::string> published_lanes_;      // models that have gauges of slots; the same
  std::atomic<bool> draining_{false};
  bool running_ = false;
};

}  // namespace intragate::app

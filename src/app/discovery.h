// Asks endpoints for their /v1/models: those of a "*" entry again and again, to learn its models; those of named models
// until each has answered once, so that a wrong address is known before the first call; those with an active probe
// (health.probe) while they cool down or idle. Runs on one loop. Owner: Gateway. Thread: that loop, except where said.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "net/wait.h"
#include "pipeline/worker.h"

namespace intragate::app {

class Discovery {
 public:
  using Found = std::function<void(pipeline::Discovered)>;
  // `found` is called on the loop whenever the listings changed.
  Discovery(pipeline::Worker& worker, Found found) : worker_{worker}, found_{std::move(found)} {}

  // Runs until stop(). The first round begins at once.
  [[nodiscard]] net::Task<void> run();
  void stop();
  // The worker has another configuration: its endpoints are asked now, not when the next round is due.
  void reloaded() { news_.set(); }

  // Whether the first round over the endpoints of "*" is over; any thread.
  [[nodiscard]] bool asked_once() const { return asked_once_.load(std::memory_order_acquire); }
  // Whether every endpoint of a named model has been asked; any thread.
  [[nodiscard]] bool greeted() const { return asking_.load(std::memory_order_acquire) == 0; }
  // Whether an endpoint of a named model has not answered yet; any thread.
  [[nodiscard]] bool silent(std::string_view endpoint_id) const;

 private:
  enum class Voice : std::uint8_t { heard, silent };
  // The first talk with an endpoint of a named model; it ends early when a reload takes the endpoint away.
  struct Greeting {
    explicit Greeting(std::shared_ptr<upstream::Endpoint> whom) : endpoint{std::move(whom)} {}
    std::shared_ptr<upstream::Endpoint> endpoint;
    net::Cancellation ended;
    bool begun = false;
  };

  net::Task<void> ask_wildcards(std::shared_ptr<const pipeline::Snapshot> snapshot);
  // Begins to ask endpoints that are new, forgets those that are gone.
  void greet(const pipeline::Snapshot& snapshot);
  net::Task<void> ask_until_it_answers(std::shared_ptr<Greeting> greeting);
  void note(const std::string& endpoint_id, Voice voice);
  net::Task<void> probe_due(std::shared_ptr<const pipeline::Snapshot> snapshot);
  net::Task<void> probe(std::shared_ptr<upstream::Endpoint> endpoint,
                        std::shared_ptr<const pipeline::Snapshot> snapshot, Duration limit);

  pipeline::Worker& worker_;
  Found found_;
  net::Cancellation ended_;
  std::atomic<bool> asked_once_{false};
  std::atomic<std::size_t> asking_{1};  // endpoints of named models not asked yet; 1 until they are known
  net::Signal news_;
  pipeline::Discovered known_;                                  // last good answer of each endpoint of "*"
  std::map<std::string, std::shared_ptr<Greeting>> greetings_;  // by endpoint id; kept, so that nobody is greeted twice
  std::map<std::string, TimePoint> probed_;                     // by endpoint id
  mutable std::mutex mutex_;                                    // guards the one below
  std::set<std::string, std::less<>> silent_;                   // endpoint ids
};

}  // namespace intragate::app

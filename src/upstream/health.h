// Passive health of one endpoint: after some consecutive failures it cools down, then a single call probes it while the
// others go elsewhere; a good answer ends the matter. Owner: the endpoint; outlives every Trial. Thread: any, all loops
// share it: atomics, no locks. Two loops that report at once may reorder by an instant; nothing here needs more. Does
// not: refuse calls (choice.h decides whom to use, in need even one that cools down), read clocks, log.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "config/config.h"

namespace intragate::upstream {

// What the end of an attempt says about its endpoint.
enum class Evidence : std::uint8_t {
  healthy,  // it answered, be it that the caller was wrong (400, 404, 422 …)
  busy,     // 429: it lives but wants less; no cool-down, yet it counts as loaded
  sick,     // no connection, broken, garbage, too slow, 500, 502, 503, 504
  none,     // says nothing about it: the client left, our own fault, 408, or our credentials (401, 403)
};
[[nodiscard]] Evidence evidence_of_status(int status);
[[nodiscard]] Evidence evidence_of(const Error& error);

class Health {
 public:
  explicit Health(const config::Health& policy) : policy_{policy} {}
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // One attempt at the endpoint. Ends with report(); dying without one says nothing (Evidence::none) and, if it was the
  // probe, lets another call be it.
  class [[nodiscard]] Trial {
   public:
    Trial() = default;
    Trial(Trial&& other) noexcept
        : health_{std::exchange(other.health_, nullptr)}, probe_{std::exchange(other.probe_, false)} {}
    Trial& operator=(Trial other) noexcept {
      std::swap(health_, other.health_);
      std::swap(probe_, other.probe_);
      return *this;
    }
    ~Trial() { end(); }
    // Call once; later reports of the same trial are ignored.
    void report(Evidence evidence, TimePoint now);
    [[nodiscard]] bool is_probe() const { return probe_; }

   private:
    friend class Health;
    Trial(Health& health, bool probe) : health_{&health}, probe_{probe} {}
    void end();
    Health* health_ = nullptr;
    bool probe_ = false;
  };

  // Whether a call may come: not cooling down, or the cool-down is over and nobody probes yet.
  [[nodiscard]] bool open(TimePoint now) const;
  // Begins an attempt, whatever open() says; it is the probe if one is due.
  Trial begin(TimePoint now);
  // The end of the cool-down; nothing when there is none. May lie in the past: then a probe is due or running.
  [[nodiscard]] std::optional<TimePoint> cools_until() const;
  // Failures and busy answers since the last good answer, 0 when the last one is older than the cool-down.
  [[nodiscard]] std::uint32_t recent_failures(TimePoint now) const;

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  void take_in(Evidence evidence, TimePoint now);

  config::Health policy_;
  std::atomic<std::uint32_t> failures_{0};  // consecutive, sick only
  std::atomic<std::uint32_t> troubles_{0};  // consecutive, sick or busy
  std::atomic<std::int64_t> trouble_at_{kNever};
  std::atomic<std::int64_t> cools_until_{kNever};
  std::atomic<bool> probing_{false};
};

}  // namespace intragate::upstream

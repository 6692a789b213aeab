// The health of one endpoint as all loops share it: its breaker, how loaded it is by its last failures, and the slow
// start after it came back. Owner: the endpoint; outlives every Trial. Thread: any. Asking costs atomic loads as long
// as the breaker is closed; an end is counted under a mutex held for some 20 ns. Does not: choose endpoints (in need
// choice.h takes even one whose breaker is open), read clocks, log.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <mutex>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "upstream/breaker.h"

namespace intragate::upstream {

// What an answer's status, or the error of an attempt without an answer, says about the endpoint.
[[nodiscard]] CallEnd call_end(int status);
[[nodiscard]] CallEnd call_end(const Error& error);

class Health {
 public:
  explicit Health(const config::Health& rules) : rules_{rules}, breaker_{rules} {}
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  // One call's leave to go to the endpoint. Ends with report(); dying without one says nothing (CallEnd::none) and, if
  // it was a probe, lets another call be it.
  class [[nodiscard]] Trial {
   public:
    Trial() = default;
    Trial(Trial&& other) noexcept
        : health_{std::exchange(other.health_, nullptr)}, pass_{std::exchange(other.pass_, Breaker::Pass::none)} {}
    Trial& operator=(Trial other) noexcept {
      std::swap(health_, other.health_);
      std::swap(pass_, other.pass_);
      return *this;
    }
    ~Trial();
    explicit operator bool() const { return health_ != nullptr; }
    // Call once; later reports of the same trial are ignored.
    Turn report(CallEnd how, TimePoint now);
    [[nodiscard]] bool is_probe() const { return pass_ == Breaker::Pass::probe; }

   private:
    friend class Health;
    Trial(Health& health, Breaker::Pass pass) : health_{&health}, pass_{pass} {}
    Health* health_ = nullptr;
    Breaker::Pass pass_ = Breaker::Pass::none;
  };

  // Whether a call may come: the breaker is closed, or half-open with room for a probe.
  [[nodiscard]] bool usable(TimePoint now) const;
  [[nodiscard]] BreakerState state(TimePoint now) const;
  // Empty when usable() has become wrong meanwhile: another loop's call took the probe's place.
  Trial ask(TimePoint now);
  // Goes there whatever the breaker says.
  Trial force();
  // A call whose answer had begun well, and broke.
  Turn broke(TimePoint now);
  Turn eject(TimePoint now);

  // Failures and busy answers since the last good answer, 0 when the last one is older than the cool-down.
  [[nodiscard]] std::uint32_t recent_failures(TimePoint now) const;
  [[nodiscard]] CallRates rates(TimePoint now) const;

  // Slow start: the part of its weight that counts now, in percent: 100, but less for a while after it came back or was
  // added (warm_up).
  [[nodiscard]] std::uint32_t share(TimePoint now) const;
  void warm_up(TimePoint now) { warm_from_.store(count_of(now), std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
  static std::int64_t count_of(TimePoint at) { return at.time_since_epoch().count(); }
  Turn end(Breaker::Pass pass, CallEnd how, TimePoint now);
  void note_trouble(CallEnd how, TimePoint now);
  void publish();  // under the mutex

  const config::Health rules_;
  mutable std::mutex mutex_;
  Breaker breaker_;  // under the mutex
  // What of the breaker is read without it.
  std::atomic<std::int64_t> cools_until_{kNever};  // kNever: closed
  std::atomic<std::uint32_t> probing_{0};
  std::atomic<std::uint32_t> troubles_{0};  // in a row, failed or busy
  std::atomic<std::int64_t> trouble_at_{kNever};
  std::atomic<std::int64_t> warm_from_{kNever};
};

}  // namespace intragate::upstream

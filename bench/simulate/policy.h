// Who gets the next slot: FIFO, round robin over users by calls, and the gateway's own scheduler. All three without
// bounds on the queue, so that they differ in nothing but the order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/time.h"

namespace intragate::simulate {

struct Call {
  std::uint32_t id = 0;
  std::uint32_t user = 0;
  std::uint64_t estimate = 0;  // of the prompt, as the body's size says it
  std::uint64_t prompt = 0;    // the policy must look at neither before the call has ended
  std::uint64_t answer = 0;
};

class Policy {
 public:
  virtual ~Policy() = default;
  // Whether the call starts at once; else it waits.
  virtual bool come(const Call& call, TimePoint now) = 0;
  // The call has ended; the one that starts in its place, if any.
  virtual std::optional<std::uint32_t> end(const Call& call, TimePoint now) = 0;
  // How long a call that waits will probably wait; zero: no idea.
  [[nodiscard]] virtual Duration forecast(std::uint32_t, TimePoint) const { return {}; }
  [[nodiscard]] virtual std::uint32_t running() const = 0;
  [[nodiscard]] virtual std::uint32_t waiting() const = 0;
};

[[nodiscard]] std::unique_ptr<Policy> make_fifo(std::uint32_t slots);
[[nodiscard]] std::unique_ptr<Policy> make_round_robin(std::uint32_t slots);
[[nodiscard]] std::unique_ptr<Policy> make_fair(std::uint32_t slots);

}  // namespace intragate::simulate

// How a key stands: does it work, and for how much longer. Pure functions; time is a parameter. Thread: any.
// Does not: refuse anything (rules.h does, by the same facts).
#pragma once

#include <optional>
#include <string_view>

#include "auth/keyring.h"
#include "base/time.h"
#include "config/config.h"

namespace intragate::auth {

enum class KeyState : std::uint8_t {
  active,
  ending,    // it ends, or is to be rotated, within key_policy.warn
  overdue,   // older than key_policy.max_age, and goes on working
  replaced,  // an old secret within its grace
  expired,
  revoked,
};
[[nodiscard]] std::string_view state_name(KeyState state);

// When the key is to be rotated under the policy; nothing: never, or its age is unknown.
[[nodiscard]] std::optional<WallTime> rotation_due(std::optional<WallTime> created, const config::KeyPolicy& policy);

// The earlier of when it stops working and when it is to be rotated; nothing: neither.
[[nodiscard]] std::optional<WallTime> attention_due(const Principal& key, const config::KeyPolicy& policy);

[[nodiscard]] KeyState state_of(const Principal& key, const config::KeyPolicy& policy, WallTime now);

}  // namespace intragate::auth

#include "auth/key_state.h"

#include <algorithm>
#include <array>

namespace intragate::auth {

std::string_view state_name(KeyState state) {
  constexpr std::array<std::string_view, 6> kNames{"active", "ending", "overdue", "replaced", "expired", "revoked"};
  return kNames[static_cast<std::size_t>(state)];
}

std::optional<WallTime> rotation_due(std::optional<WallTime> created, const config::KeyPolicy& policy) {
  if (!created || policy.max_age <= Duration::zero()) return std::nullopt;
  return *created + policy.max_age;
}

std::optional<WallTime> attention_due(const Principal& key, const config::KeyPolicy& policy) {
  const std::optional<WallTime> rotate = rotation_due(key.created, policy);
  if (!key.ends || !rotate) return key.ends ? key.ends : rotate;
  return std::min(*key.ends, *rotate);
}

KeyState state_of(const Principal& key, const config::KeyPolicy& policy, WallTime now) {
  if (key.revoked) return KeyState::revoked;
  if (key.ends && now >= *key.ends) return KeyState::expired;
  if (key.replaced_until) return KeyState::replaced;
  const std::optional<WallTime> due = attention_due(key, policy);
  if (!due) return KeyState::active;
  if (now >= *due) return KeyState::overdue;
  return now >= *due - policy.warn ? KeyState::ending : KeyState::active;
}

}  // namespace intragate::auth

// What a key may do: is it known, still valid, used from the right place, for a model it may use. Pure functions; the
// messages are for end users. Thread: any. Does not: extract or hash keys (bearer.h), know which models exist.
#pragma once

#include <string_view>

#include "auth/keyring.h"

namespace intragate::auth {

// The principal behind a key. Errors: invalid_key (401).
[[nodiscard]] Result<const Principal*> identify(const Keyring& keys, const Digest& digest);

// Whether it may call now, from `address`: the client's, behind trusted proxies (client_address.h).
// Errors: expired_key (401), address_not_allowed (403); the detail names the principal, for the log.
[[nodiscard]] Result<Unit> admit(const Principal& principal, const IpAddress& address, WallTime now);

// Whether `model` is in the principal's list. Exact, letter by letter; a trailing * in the list stands for any ending.
[[nodiscard]] bool may_use(const Principal& principal, std::string_view model);

// The same as an error: model_not_allowed (403). `model` is what the client asked for.
[[nodiscard]] Result<Unit> check_model(const Principal& principal, std::string_view model);

}  // namespace intragate::auth

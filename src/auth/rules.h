// What a key may do: is it known, still valid, used from the right place, for an API and a model it may use. Pure
// functions; the messages are for end users. Thread: any. Does not: extract or hash keys (bearer.h), know which models
// exist.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "auth/keyring.h"

namespace intragate::auth {

// The principal behind a key. Errors: invalid_key (401).
[[nodiscard]] Result<const Principal*> identify(const Keyring& keys, const Digest& digest);

// Whether it may call now, from `address`: the client's, behind trusted proxies (client_address.h).
// Errors: revoked_key, expired_key (401), address_not_allowed (403); the detail names the principal, for the log.
[[nodiscard]] Result<Unit> admit(const Principal& principal, const IpAddress& address, WallTime now);

// Whether the principal may use this API, by llm::api_name(); * as below, and what is denied is denied. Errors:
// api_not_allowed (403).
[[nodiscard]] Result<Unit> check_api(const Principal& principal, std::string_view api);

// A model by all its names.
struct ModelNames {
  std::string_view name;
  std::span<const std::string> aliases;
};
// Whether the principal may use the model when it is asked for as `asked`, its name or one of its aliases. What is
// allowed is allowed by the model's name or by the alias asked for; what is denied by any of its names is denied by all
// of them. Letter by letter; * stands for any run of letters.
[[nodiscard]] bool may_use(const Principal& principal, const ModelNames& model, std::string_view asked);

// The same as an error: model_not_allowed (403). `asked` is what the client said.
[[nodiscard]] Result<Unit> check_model(const Principal& principal, const ModelNames& model, std::string_view asked);

}  // namespace intragate::auth

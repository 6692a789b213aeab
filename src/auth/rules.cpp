#include "auth/rules.h"

#include <algorithm>

#include "base/text.h"
#include "base/time_text.h"
#include "base/wildcard.h"

namespace intragate::auth {

namespace {

// Why it ended, of several reasons the one that a person can act upon.
Error ended(const Principal& principal, WallTime now) {
  std::string when;
  append_rfc3339(when, *principal.ends);
  const std::string date = when.substr(0, 10);
  const bool replaced = principal.replaced_until && now >= *principal.replaced_until;
  const bool expired = principal.expires && now >= *principal.expires;
  std::string message =
      replaced  ? "This API key was replaced by a newer one: use that, or ask your administrator for it."
      : expired ? "This API key expired on " + date + ": ask your administrator for a new one."
                : "This API key is older than keys may become here: ask your administrator for a new one.";
  return make_error(Code::expired_key, std::move(message)).because("key " + principal.name);
}

bool one_fits(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](std::string_view pattern) { return matches_wildcard(pattern, name); });
}

}  // namespace

Result<const Principal*> identify(const Keyring& keys, const Digest& digest) {
  const Principal* principal = keys.find(digest);
  if (principal != nullptr) return principal;
  return make_error(Code::invalid_key, "This API key is not known here: check that it was copied whole.");
}

Result<Unit> admit(const Principal& principal, const IpAddress& address, WallTime now) {
  if (principal.revoked) {
    return make_error(Code::revoked_key, "This API key was revoked: ask your administrator for a new one.")
        .because("key " + principal.name);
  }
  if (principal.ends && now >= *principal.ends) return ended(principal, now);
  if (!principal.allow.contains(address)) {
    return make_error(Code::address_not_allowed, "This API key may not be used from the address " + address.text() +
                                                     ": ask your administrator to allow it.")
        .because("key " + principal.name);
  }
  return Unit{};
}

Result<Unit> check_api(const Principal& principal, std::string_view api) {
  if (one_fits(principal.apis, api) && !one_fits(principal.denied_apis, api)) return Unit{};
  return make_error(Code::api_not_allowed,
                    "This API key may not be used for " + std::string{api} + ": ask your administrator to allow it.")
      .because("key " + principal.name);
}

bool may_use(const Principal& principal, const ModelNames& model, std::string_view asked) {
  if (!one_fits(principal.models, model.name) && !one_fits(principal.models, asked)) return false;
  if (principal.denied.empty()) return true;
  return !one_fits(principal.denied, model.name) && !one_fits(principal.denied, asked) &&
         std::none_of(model.aliases.begin(), model.aliases.end(),
                      [&](std::string_view alias) { return one_fits(principal.denied, alias); });
}

Result<Unit> check_model(const Principal& principal, const ModelNames& model, std::string_view asked) {
  if (may_use(principal, model, asked)) return Unit{};
  return make_error(Code::model_not_allowed, "This API key may not use the model " + text::quoted(asked) +
                                                 ": ask your administrator to allow it.")
      .because("key " + principal.name);
}

}  // namespace intragate::auth

#include "auth/rules.h"

#include <algorithm>

#include "base/text.h"
#include "base/time_text.h"

namespace intragate::auth {

Result<const Principal*> identify(const Keyring& keys, const Digest& digest) {
  const Principal* principal = keys.find(digest);
  if (principal != nullptr) return principal;
  return make_error(Code::invalid_key, "This API key is not known here: check that it was copied whole.");
}

Result<Unit> admit(const Principal& principal, const IpAddress& address, WallTime now) {
  if (principal.expires && now >= *principal.expires) {
    std::string when;
    append_rfc3339(when, *principal.expires);
    return make_error(Code::expired_key,
                      "This API key expired on " + when.substr(0, 10) + ": ask your administrator for a new one.")
        .because("key " + principal.name);
  }
  if (!principal.allow.contains(address)) {
    return make_error(Code::address_not_allowed, "This API key may not be used from the address " + address.text() +
                                                     ": ask your administrator to allow it.")
        .because("key " + principal.name);
  }
  return Unit{};
}

bool may_use(const Principal& principal, std::string_view model) {
  return std::any_of(principal.models.begin(), principal.models.end(), [model](std::string_view pattern) {
    if (pattern.ends_with('*')) return model.starts_with(pattern.substr(0, pattern.size() - 1));
    return model == pattern;
  });
}

Result<Unit> check_model(const Principal& principal, std::string_view model) {
  if (may_use(principal, model)) return Unit{};
  return make_error(Code::model_not_allowed, "This API key may not use the model " + text::quoted(model) +
                                                 ": ask your administrator to allow it.")
      .because("key " + principal.name);
}

}  // namespace intragate::auth

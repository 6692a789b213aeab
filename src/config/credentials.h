// Checks credentials for what the wire cannot carry. Pure. Owner: the caller. Thread: any.
// Does not: read secrets (references.h). Messages never hold the credential.
// Errors: invalid_configuration; `message` says what is wrong, `detail` what was probably meant, or nothing.
// Rule: RFC 9110 section 5.1 (field names are tokens) and 5.5 (field values), RFC 7617 (basic), RFC 6750 (bearer).
#pragma once

#include <optional>
#include <string_view>

#include "base/error.h"
#include "config/config.h"

namespace intragate::config {

// "none", "bearer", "basic", "header:NAME" into type and header. What is wrong with it, or nothing.
[[nodiscard]] std::optional<Error> read_auth_type(std::string_view text, EndpointAuth& into);

// What keeps `auth` from being used: a missing key, one that no header can carry, a basic key without a colon.
[[nodiscard]] std::optional<Error> check_auth(const EndpointAuth& auth);

// What keeps clients from sending `key` as a bearer token, or makes it no secret: too short, or an example's.
[[nodiscard]] std::optional<Error> check_api_key(const Secret& key);

}  // namespace intragate::config

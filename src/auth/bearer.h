// Finds the API key in an Authorization header. Pure function; the view points into the header. Thread: any.
// Does not: hash or check the key (keyring.h, rules.h), look at `api-key`; `x-api-key` counts only where clients of
// that API know nothing else. Rule: RFC 9110 section 11.4 (the scheme's case does not matter), RFC 6750 section 2.1.
#pragma once

#include <string_view>

#include "base/result.h"

namespace intragate::auth {

// `authorization`: the header's value; empty when there is none (Dify's embedding calls without a key send an empty
// one). Errors: invalid_key: no key, another scheme than Bearer, or a key that is not 1 … 512 visible ASCII characters.
[[nodiscard]] Result<std::string_view> bearer_token(std::string_view authorization);

// The same of a header that holds nothing but the key.
[[nodiscard]] Result<std::string_view> bare_token(std::string_view header);

}  // namespace intragate::auth

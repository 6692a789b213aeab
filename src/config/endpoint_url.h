// The URL of a model server, taken apart: http://host[:port][/path], with https, grpc and grpcs (which choose their
// dialect) for http, and nothing else. Pure. Owner: the caller. Thread:
// any. Does not: resolve names, check egress. Rule: RFC 3986, narrowed: no credentials, query or fragment.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace intragate::config {

// An endpoint with url, host, port, host_header and path filled in. A base without a path gets /v1.
// Errors: invalid_configuration; `message` says what is wrong, `detail` what was probably meant, or nothing. Neither
// repeats a URL that has credentials in it.
[[nodiscard]] Result<Endpoint> parse_endpoint_url(std::string_view url);

}  // namespace intragate::config

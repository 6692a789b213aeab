// Strict HTTP/1.x heads, both directions, parsed into views of the bytes they came in. What request smuggling lives on
// is an error, never repaired. Owner: the caller. Thread: any (pure). Does not: read sockets, decode bodies, know URLs.
// Rule: RFC 9112 (sections 2.2, 3, 5, 6, 11.2), RFC 9110 (fields); where they allow leniency, we refuse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace intragate::net {

struct Header {
  std::string_view name;   // as written
  std::string_view value;  // without surrounding white space
};

// How far the body goes. none: there is no body, and that includes a Content-Length of 0. until_close: responses only.
enum class Framing : std::uint8_t { none, length, chunked, until_close };
enum class Expect : std::uint8_t { nothing, continue_100, unknown };

struct RequestHead {
  std::string_view method;
  std::string_view target;  // origin-form, absolute-form (http, https) or *, as written; visible ASCII without `#`
  int minor_version = 1;    // HTTP/1.0 or HTTP/1.1
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  Expect expect = Expect::nothing;
};

struct ResponseHead {
  int status = 0;  // 100 to 599, never 101: nobody here asks for another protocol
  int minor_version = 1;
  Framing framing = Framing::none;
  std::uint64_t content_length = 0;  // as announced, even where no body follows (HEAD, 304)
  bool keep_alive = true;
};

// Where the first head in `bytes` ends. Call again with more bytes and `from` = the earlier answer's `scanned`, so that
// a slow sender costs linear time; `bytes` still begins at the head's first byte then. One empty line (CRLF) before a
// request is allowed and counted into the size.
struct HeadEnd {
  // bad: a bare LF, a NUL, or a second empty line in front.
  enum class State : std::uint8_t { incomplete, complete, bad } state = State::incomplete;
  std::size_t size = 0;     // complete: bytes of the head with its empty line
  std::size_t scanned = 0;  // incomplete: where to go on
};
[[nodiscard]] HeadEnd find_head_end(std::string_view bytes, std::size_t from = 0);

inline constexpr std::size_t kMaxHeaders = 100;

// `head` is exactly what find_head_end measured. `headers` is overwritten (a scratch vector that the caller reuses).
// Errors: malformed_request; the message names the rule broken, never the bytes.
[[nodiscard]] Result<RequestHead> parse_request_head(std::string_view head, std::vector<Header>& headers);

// What a request asked for decides whether its answer may have a body (HEAD: none; also 1xx, 204, 304).
enum class Asked : std::uint8_t { with_body, head_only };
// Errors: upstream_malformed.
[[nodiscard]] Result<ResponseHead> parse_response_head(std::string_view head, std::vector<Header>& headers,
                                                       Asked asked = Asked::with_body);

// The first header of that name (ASCII case ignored), or an empty view. `name` in lower case.
[[nodiscard]] std::string_view find_header(std::span<const Header> headers, std::string_view name);
[[nodiscard]] std::size_t count_headers(std::span<const Header> headers, std::string_view name);
// ASCII case-insensitive equality; `lower` in lower case.
[[nodiscard]] bool equals_ignoring_case(std::string_view text, std::string_view lower);

}  // namespace intragate::net

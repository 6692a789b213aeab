// Response heads: what is accepted is exactly one head, and how far its body goes follows from it in one way only.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "net/http_head.h"

namespace {

using namespace intragate;
using namespace intragate::net;
using fuzz::require;

std::string written(const ResponseHead& head, const std::vector<Header>& headers) {
  std::string bytes = "HTTP/1." + std::to_string(head.minor_version) + ' ' + std::to_string(head.status) + "\r\n";
  for (const Header& header : headers) bytes += std::string{header.name} + ": " + std::string{header.value} + "\r\n";
  return bytes + "\r\n";
}

bool same(const ResponseHead& a, const ResponseHead& b) {
  return a.status == b.status && a.minor_version == b.minor_version && a.framing == b.framing &&
         a.content_length == b.content_length && a.keep_alive == b.keep_alive;
}

void check_framing(const ResponseHead& head, const std::vector<Header>& headers, Asked asked) {
  const std::size_t lengths = count_headers(headers, "content-length");
  const std::size_t codings = count_headers(headers, "transfer-encoding");
  require(lengths + codings <= 1, "one length at most");
  require(head.status >= 100 && head.status <= 599 && head.status != 101, "a status we know");
  const bool bodiless = head.status < 200 || head.status == 204 || head.status == 304 || asked == Asked::head_only;
  if (bodiless) {
    require(head.framing == Framing::none, "no body where there can be none");
  } else if (codings == 1) {
    require(head.framing == Framing::chunked, "chunked when it says so");
  } else if (lengths == 1) {
    require((head.framing == Framing::length) == (head.content_length > 0), "a length when it says so");
  } else {
    require(head.framing == Framing::until_close && !head.keep_alive, "else until the end");
  }
}

void check(std::string_view bytes, Asked asked) {
  std::vector<Header> headers;
  const Result<ResponseHead> head = parse_response_head(bytes, headers, asked);
  if (!head) {
    require(head.error().code == Code::upstream_malformed, "refused as malformed");
    return;
  }
  const HeadEnd end = find_head_end(bytes);
  require(end.state == HeadEnd::State::complete && end.size == bytes.size(), "an accepted head ends where it ends");
  check_framing(*head, headers, asked);
  const std::string again = written(*head, headers);
  std::vector<Header> headers_again;
  const Result<ResponseHead> read = parse_response_head(again, headers_again, asked);
  require(read && same(*read, *head), "what was written down says the same");
  require(written(*read, headers_again) == again, "in the same words");
  const std::string_view shorter = bytes.substr(0, bytes.size() - 1);
  require(!parse_response_head(shorter, headers_again, asked), "no head without its last byte");
  require(!parse_response_head(std::string{bytes} + "x", headers_again, asked), "no head with a byte behind it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const HeadEnd end = find_head_end(bytes);
  const std::string_view head = end.state == HeadEnd::State::complete ? bytes.substr(0, end.size) : bytes;
  check(head, Asked::with_body);
  check(head, Asked::head_only);
  return 0;
}

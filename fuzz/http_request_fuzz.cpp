// Request heads: whatever the bytes are, what is accepted is exactly one head that can be written down again and read
// back the same, and nothing in it can be understood in two ways.
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

// The answer for all the bytes must be the answer that grows with them.
void check_growth(std::string_view bytes, const HeadEnd& whole) {
  HeadEnd grown;
  for (std::size_t size = 0; size <= bytes.size() && grown.state == HeadEnd::State::incomplete; ++size) {
    require(grown.scanned <= size, "scanned lies within the bytes");
    grown = find_head_end(bytes.substr(0, size), grown.scanned);
  }
  // A head may be known to be bad earlier, when its NUL comes before the line feed that shows it again.
  require(grown.state == whole.state, "the head's end does not depend on how the bytes come");
  require(grown.size == whole.size, "the head's size does not depend on how the bytes come");
}

std::string written(const RequestHead& head, const std::vector<Header>& headers) {
  std::string bytes = std::string{head.method} + ' ' + std::string{head.target} + " HTTP/1." +
                      std::to_string(head.minor_version) + "\r\n";
  for (const Header& header : headers) bytes += std::string{header.name} + ": " + std::string{header.value} + "\r\n";
  return bytes + "\r\n";
}

void check_bytes(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c == '\r') require(i + 1 < head.size() && head[i + 1] == '\n', "no bare CR");
    if (c == '\n') require(i > 0 && head[i - 1] == '\r', "no bare LF");
    require(c >= ' ' || c == '\r' || c == '\n' || c == '\t', "no control characters");
    require(c != 0x7f, "no DEL");
  }
}

void check_framing(const RequestHead& head, const std::vector<Header>& headers) {
  const std::size_t lengths = count_headers(headers, "content-length");
  const std::size_t codings = count_headers(headers, "transfer-encoding");
  require(lengths + codings <= 1, "one length at most");
  require((head.framing == Framing::chunked) == (codings == 1), "chunked when it says so");
  require(head.framing != Framing::until_close, "a request never goes on until the end");
  require((head.framing == Framing::length) == (head.content_length > 0), "a length when it says so");
  if (lengths == 1) {
    const std::string length = std::to_string(head.content_length);
    const std::string_view value = find_header(headers, "content-length");
    require(value.ends_with(length), "the length that stands there");
    require(value.substr(0, value.size() - length.size()).find_first_not_of('0') == value.npos, "and no other digits");
  }
  require(count_headers(headers, "host") <= 1 && (head.minor_version == 0 || count_headers(headers, "host") == 1),
          "one Host");
}

void check_accepted(std::string_view bytes, const RequestHead& head, const std::vector<Header>& headers) {
  const HeadEnd end = find_head_end(bytes);
  require(end.state == HeadEnd::State::complete && end.size == bytes.size(), "an accepted head ends where it ends");
  require(headers.size() <= kMaxHeaders, "not too many headers");
  check_bytes(bytes);
  check_framing(head, headers);
  const std::string again = written(head, headers);
  std::vector<Header> headers_again;
  const Result<RequestHead> read = parse_request_head(again, headers_again);
  require(static_cast<bool>(read), "what was written down is accepted");
  require(written(*read, headers_again) == again, "and says the same");
  require(read->framing == head.framing && read->content_length == head.content_length, "about its body");
  require(read->keep_alive == head.keep_alive && read->expect == head.expect, "and about the connection");
  const std::string_view shorter = bytes.substr(0, bytes.size() - 1);
  require(!parse_request_head(shorter, headers_again), "no head without its last byte");
  require(!parse_request_head(std::string{bytes} + "x", headers_again), "no head with a byte behind it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const HeadEnd end = find_head_end(bytes);
  if (size <= 4096) check_growth(bytes, end);
  std::vector<Header> headers;
  const std::string_view head = end.state == HeadEnd::State::complete ? bytes.substr(0, end.size) : bytes;
  const Result<RequestHead> request = parse_request_head(head, headers);
  if (request) {
    check_accepted(head, *request, headers);
  } else {
    require(request.error().code == Code::malformed_request, "refused as malformed");
  }
  return 0;
}

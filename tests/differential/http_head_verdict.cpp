// Says what net::http_head makes of each case on stdin, for test_http_head.py to compare with other parsers.
// A case: one byte ('q' request, 's' response), four bytes of length (little endian), the bytes. A verdict is one line:
//   incomplete | refused <message> | accepted <size> <minor version> <framing> <length> <keep-alive 0/1> <words…>
// where the words are hex: a request's method and target or a response's status (decimal), then name:value per header.
#include <array>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_head.h"

namespace {

using namespace intragate;
using namespace intragate::net;

bool read_exactly(char* to, std::size_t size) {
  return std::fread(to, 1, size, stdin) == size;
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) / 16];
    out += kDigits[static_cast<unsigned char>(c) % 16];
  }
  return out;
}

std::string_view word(Framing framing) {
  switch (framing) {
    case Framing::none: return "none";
    case Framing::length: return "length";
    case Framing::chunked: return "chunked";
    case Framing::until_close: return "until_close";
  }
  return "?";
}

// What both kinds of head have in common; `start_line` holds the words that they do not.
template <class Head>
std::string accepted(const Head& head, std::size_t size, const std::string& start_line,
                     const std::vector<Header>& headers) {
  std::string line = "accepted " + std::to_string(size) + ' ' + std::to_string(head.minor_version) + ' ';
  line +=
      std::string{word(head.framing)} + ' ' + std::to_string(head.content_length) + (head.keep_alive ? " 1 " : " 0 ");
  line += start_line;
  for (const Header& header : headers) line += ' ' + hex(header.name) + ':' + hex(header.value);
  return line;
}

std::string verdict(char kind, std::string_view bytes) {
  const HeadEnd end = find_head_end(bytes);
  if (end.state == HeadEnd::State::incomplete) return "incomplete";
  if (end.state == HeadEnd::State::bad) return "refused Bare LF, NUL or a second empty line in front.";
  std::vector<Header> headers;
  if (kind == 'q') {
    const Result<RequestHead> head = parse_request_head(bytes.substr(0, end.size), headers);
    if (!head) return "refused " + head.error().message;
    return accepted(*head, end.size, hex(head->method) + ' ' + hex(head->target), headers);
  }
  const Result<ResponseHead> head = parse_response_head(bytes.substr(0, end.size), headers);
  if (!head) return "refused " + head.error().message;
  return accepted(*head, end.size, std::to_string(head->status), headers);
}

}  // namespace

int main() {
  std::array<char, 5> front{};
  std::string bytes;
  while (read_exactly(front.data(), front.size())) {
    std::size_t size = 0;
    for (std::size_t i = 4; i > 0; --i) size = size * 256 + static_cast<unsigned char>(front[i]);
    bytes.resize(size);
    if (!read_exactly(bytes.data(), size)) return 1;
    std::puts(verdict(front[0], bytes).c_str());
  }
  return 0;
}

// Answers of gRPC servers: whatever fields and bytes come, what is told is one HTTP/1.1 answer by our own reading, with
// all bytes of the body and nothing of the server's in its framing. Lines of input: `F name value`, `H` the head ends,
// anything else is body.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "net/chunked.h"
#include "net/grpc_answer.h"
#include "net/http_head.h"

namespace {

using namespace intragate;
using namespace intragate::net;
using fuzz::require;

std::string_view next_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

std::string unchunked(std::string_view bytes) {
  ChunkedDecoder decoder;
  std::string body;
  for (;;) {
    const ChunkedDecoder::Step step = decoder.step(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.state == ChunkedDecoder::State::piece) {
      body += step.data;
      continue;
    }
    require(step.state == ChunkedDecoder::State::end && bytes.empty(), "the body ends where the answer ends");
    return body;
  }
}

void check(std::string_view told, std::string_view body) {
  const HeadEnd end = find_head_end(told);
  require(end.state == HeadEnd::State::complete, "there is a head");
  std::vector<Header> headers;
  const Result<ResponseHead> head = parse_response_head(told.substr(0, end.size), headers);
  require(static_cast<bool>(head), "it is a proper one");
  require(headers.size() == 2 && headers[0].name == "content-type", "of the headers that we write");
  const std::string_view rest = told.substr(end.size);
  if (head->framing != Framing::chunked) {
    require(body.empty() && head->status >= 400, "without a body of its own only for a failure");
    require(rest.size() == head->content_length, "as long as it says");
    return;
  }
  const std::string got = unchunked(rest);
  require(got.starts_with(body), "the body is all there");
  const std::string_view frame = std::string_view{got}.substr(body.size());
  if (frame.empty()) return;  // no gRPC server
  require(frame.size() > 5 && frame[0] == '\x80', "behind it the trailers");
  require(std::count(frame.begin() + 5, frame.end(), '\n') == 2, "of two lines");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  GrpcAnswer answer;
  std::string told;
  std::string body;
  while (!rest.empty()) {
    const std::string_view line = next_line(rest);
    if (line.starts_with("F ")) {
      const std::size_t space = line.find(' ', 2);
      const std::string_view value = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
      answer.field(line.substr(2, std::min(space, line.size()) - 2), value);
    } else if (line == "H") {
      if (!answer.begun()) answer.head_ends();
    } else if (answer.begun()) {  // HTTP/2 has no data before a final head
      answer.body(line, told);
      body += line;
    }
  }
  answer.end(told);
  check(told, body);
  const std::size_t before = told.size();
  answer.body("more", told);
  answer.end(told);
  require(told.size() == before, "nothing follows the end");
  return 0;
}

// What a gRPC server may say on its connection: never a crash, never more told than came, and the same however it is
// cut. Input: the first byte chooses the cuts, the rest are the server's bytes.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "net/body_decoder.h"
#include "net/grpc_session.h"
#include "net/http_head.h"

namespace {

using namespace intragate::net;
using fuzz::require;

constexpr std::string_view kHead = "POST /s/m HTTP/1.1\r\nHost: h\r\n\r\n";

struct Told {
  std::string answer;
  bool broken = false;
};

Told listen(std::string_view bytes, std::size_t stride) {
  GrpcSession session{GrpcSession::Scheme::http};
  const std::array<std::string_view, 2> pieces{kHead, "hello"};
  require(session.begin(pieces), "a call can begin");
  Told told;
  for (std::size_t at = 0; at < bytes.size(); at += stride) {
    const std::string piece{bytes.substr(at, stride)};
    session.take(piece, told.answer);
    const std::size_t size = session.output().size();
    require(size <= 256 * 1024, "what is said back is bounded");
    session.sent(size);
  }
  told.broken = session.broken();
  return told;
}

// What was told is HTTP/1.1: a head, and a body in its framing. The status and the body.
std::string read(std::string_view answer) {
  if (answer.empty()) return {};
  const HeadEnd end = find_head_end(answer);
  require(end.state == HeadEnd::State::complete, "a head is whole");
  std::vector<Header> headers;
  const auto head = parse_response_head(answer.substr(0, end.size), headers);
  require(static_cast<bool>(head), "a head can be read");
  BodyDecoder body{*head};
  std::string read = std::to_string(head->status) + ' ';
  answer.remove_prefix(end.size);
  for (;;) {
    const BodyDecoder::Step step = body.step(answer);
    require(step.state != BodyDecoder::State::bad, "a body can be read");
    answer.remove_prefix(step.consumed);
    read += step.data;
    if (step.state == BodyDecoder::State::piece) continue;
    require(answer.empty(), "nothing follows");
    return read;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const Told whole = listen(bytes, bytes.size() + 1);
  const std::string said = read(whole.answer);
  require(whole.answer.size() <= bytes.size() * 64 + 70'000, "little becomes not much");
  const Told cut = listen(bytes, 1U + data[0]);
  const std::string again = read(cut.answer);
  // Answers to pings wait for their turn, so a flood is one only while they wait.
  if (!whole.broken && !cut.broken) require(said == again, "any cut tells the same");
  return 0;
}

// What a KServe v2 server may say over gRPC: the same frames for every cut, and of each message views that lie within
// it. Input: the first byte chooses the cuts, the rest are frames.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dialect/kserve.h"
#include "dialect/protobuf.h"
#include "fuzz/require.h"
#include "net/event_reader.h"

namespace {

using namespace intragate;
using namespace intragate::dialect;
using fuzz::require;
using Reader = net::EventReader;

std::vector<std::string> frames(std::string_view bytes, std::size_t stride) {
  Reader reader{net::EventFraming::grpc, 4096};
  std::vector<std::string> all;
  for (std::size_t at = 0; at < bytes.size(); at += stride) {
    const std::string piece{bytes.substr(at, stride)};
    std::string_view rest = piece;
    for (;;) {
      const Reader::Step step = reader.step(rest);
      require(step.consumed <= rest.size(), "consumed lies within the input");
      rest.remove_prefix(step.consumed);
      if (step.state == Reader::State::too_long) return all;
      if (step.state == Reader::State::more) break;
      require(step.data.size() >= 5, "a frame has a head");
      all.emplace_back(step.data);
    }
    require(rest.empty(), "more: all was consumed");
  }
  const Reader::Step last = reader.finish();
  if (last.state == Reader::State::event) all.emplace_back(last.data);
  require(reader.finish().state == Reader::State::more, "there is one last frame at most");
  return all;
}

bool within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void check_message(std::string_view message) {
  for (const kserve::InferAnswer& said :
       {kserve::read_answer(message, "text_output"), kserve::read_stream_answer(message, "text_output")}) {
    require(!said.text || within(*said.text, message), "a text lies within its message");
    require(within(said.error, message), "so does an error");
    if (said.numbers) {
      require(!said.text && within(said.numbers->bytes, message), "numbers are no texts, and lie within their message");
      std::vector<std::string> vectors;
      if (kserve::append_vectors(*said.numbers, vectors)) {
        require(vectors.size() * said.numbers->columns <= message.size(), "a number has bytes");
      }
    }
    require(!said.text || said.found, "a text belongs to its tensor");
  }
  std::size_t fields = 0;
  protobuf::FieldScan scan{message};
  while (const auto field = scan.next()) {
    require(within(field->bytes, message), "a field lies within its message");
    ++fields;
  }
  require(fields <= message.size() / 2 + 1, "fields have bytes");
  require(!scan.next(), "and nothing follows");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const std::vector<std::string> whole = frames(bytes, bytes.size() + 1);
  require(frames(bytes, 1) == whole && frames(bytes, 1U + data[0]) == whole, "any cut is the same");
  for (const std::string& one : whole) {
    std::string_view rest = one;
    const std::optional<kserve::Frame> frame = kserve::next_frame(rest);
    require(frame && rest.empty(), "a frame is one");
    if (frame->kind == kserve::Frame::Kind::message) check_message(frame->data);
    if (frame->kind == kserve::Frame::Kind::trailers) require(kserve::status_of(frame->data).code >= -1, "a status");
    (void)kserve::says_ready(one);
    std::vector<std::string> vectors;
    (void)kserve::append_vectors(std::string_view{one}.substr(5), vectors);
    (void)kserve::describe(one);
  }
  return 0;
}

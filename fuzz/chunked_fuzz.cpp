// Chunked bodies: the same body and the same verdict for every cut, and what is called a whole chunk is one.
// Input: the first byte chooses the cuts, the rest are the bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/require.h"
#include "net/chunked.h"

namespace {

using fuzz::require;
using intragate::net::ChunkedDecoder;
using State = ChunkedDecoder::State;

struct Decoded {
  std::string body;
  State state = State::more;
  std::size_t consumed = 0;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

void check_whole(std::string_view input, const ChunkedDecoder::Step& step, const ChunkedDecoder& decoder) {
  std::string expected;
  intragate::net::append_chunk_head(expected, step.data.size());
  expected += step.data;
  expected += intragate::net::kChunkEnd;
  require(input.substr(0, step.consumed) == expected, "a whole chunk is what the encoder would write");
  require(decoder.between_chunks(), "nothing of a whole chunk is missing");
}

Decoded decode(std::string_view bytes, std::size_t stride) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.consumed < bytes.size()) {
    const std::string_view input = bytes.substr(out.consumed, stride - out.consumed % stride);
    const ChunkedDecoder::Step step = decoder.step(input);
    require(step.consumed <= input.size(), "consumed lies within the input");
    require(step.consumed > 0 || step.state == State::bad, "every step gets on");
    require((step.state == State::piece) == !step.data.empty(), "pieces, and only they, have data");
    require(step.state != State::more || step.consumed == input.size(), "more: all was consumed");
    if (step.whole_chunk) check_whole(input, step, decoder);
    out.consumed += step.consumed;
    out.body += step.data;
    out.state = step.state == State::piece ? State::more : step.state;
    if (out.state != State::more) break;
  }
  if (out.state == State::bad) out.consumed = 0;  // where it was noticed may differ
  return out;
}

// The body written again by the encoder, one chunk of it.
void check_round_trip(const std::string& body) {
  std::string bytes;
  if (!body.empty()) {
    intragate::net::append_chunk_head(bytes, body.size());
    bytes += body;
    bytes += intragate::net::kChunkEnd;
  }
  bytes += intragate::net::kLastChunk;
  require(decode(bytes, bytes.size()) == Decoded{.body = body, .state = State::end, .consumed = bytes.size()},
          "what the encoder writes is read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  const Decoded whole = decode(bytes, size);
  require(decode(bytes, 1) == whole, "byte by byte is the same");
  require(decode(bytes, 1 + data[0]) == whole, "any cut is the same");
  if (whole.state == State::end) check_round_trip(whole.body);
  return 0;
}

// Chunked bodies: the same body and the same verdict for every cut, what is called a whole chunk is one, and a body
// that is accepted is what a slow and obvious reading of it gives. Input: the first byte chooses the cuts, the rest are
// the bytes.
#include <cstdint>
#include <optional>
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

// Takes the line at the front of `bytes`, without its CRLF.
std::optional<std::string_view> next_line(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n");
  if (end == bytes.npos) return std::nullopt;
  const std::string_view line = bytes.substr(0, end);
  bytes.remove_prefix(end + 2);
  return line;
}

// The body and its framing's size, read from all the bytes at once; nothing when they hold no whole body.
std::optional<Decoded> reference(std::string_view bytes) {
  Decoded out{.body = {}, .state = State::end, .consumed = bytes.size()};
  while (true) {
    const std::optional<std::string_view> line = next_line(bytes);
    if (!line) return std::nullopt;
    const std::string digits{line->substr(0, line->find(';'))};
    if (digits.empty() || digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos) return std::nullopt;
    const unsigned long long size = std::stoull(digits, nullptr, 16);
    if (size == 0) break;
    if (bytes.size() < size || bytes.substr(size, 2) != "\r\n") return std::nullopt;
    out.body += bytes.substr(0, size);
    bytes.remove_prefix(size + 2);
  }
  while (true) {
    const std::optional<std::string_view> trailer = next_line(bytes);
    if (!trailer || (!trailer->empty() && trailer->find(':') == trailer->npos)) return std::nullopt;
    if (trailer->empty()) break;
  }
  out.consumed -= bytes.size();
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
  if (whole.state == State::end) {
    require(reference(bytes) == whole, "it is what stands there");
    check_round_trip(whole.body);
  }
  return 0;
}

// Event streams: the same blocks for every cut, all of them in the one form, and the data that the rule's own algorithm
// finds. Input: the first byte chooses the cuts, the second the limit, the rest are the bytes.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/require.h"
#include "net/sse.h"
#include "tests/unit/net/sse_reference.h"

namespace {

using namespace intragate::net;
using fuzz::require;
using sse_reference::Block;
using State = SseReader::State;

struct Reading {
  std::string output;
  std::vector<Block> blocks;
  bool too_long = false;
  bool at_boundary = false;
  std::string last_output;  // what finish() gave out
  friend bool operator==(const Reading&, const Reading&) = default;
};

void note(const SseEvent& event, Reading& out) {
  require(sse_reference::is_canonical(event), "every block has the one form");
  out.output += event.bytes;
  const bool comment = event.kind == SseEvent::Kind::comment;
  const std::string_view text = comment ? event.bytes.substr(0, event.bytes.size() - 2) : event.data;
  out.blocks.push_back({.kind = event.kind, .text = std::string{text}});
}

Reading read(std::string_view bytes, std::size_t stride, std::size_t limit) {
  SseReader reader{limit};
  Reading out;
  for (std::size_t at = 0; at < bytes.size() && !out.too_long;) {
    // Inputs are copies that end with their last byte, so that a sanitizer sees every read beyond.
    const std::string input{bytes.substr(at, stride)};
    std::string_view rest = input;
    at += input.size();
    while (true) {
      const SseReader::Step step = reader.step(rest);
      require(step.consumed <= rest.size(), "consumed lies within the input");
      out.too_long = step.state == State::too_long;
      require(step.state != State::more || step.consumed == rest.size(), "more: all was consumed");
      if (step.state != State::event) break;
      require(step.consumed > 0, "every event gets on");
      require(step.event.bytes.size() <= limit + 2, "no event beyond the limit");
      note(step.event, out);
      rest.remove_prefix(step.consumed);
    }
  }
  out.at_boundary = reader.at_boundary();
  for (int last = 0; last < 2; ++last) {
    const SseReader::Step step = reader.finish();
    if (step.state != State::event) break;
    require(sse_reference::is_canonical(step.event), "a last block has the one form");
    out.last_output += step.event.bytes;
  }
  require(reader.finish().state != State::event, "there are two last blocks at most");
  require(reader.at_boundary(), "nothing is held afterwards");
  return out;
}

// The one form must be its own.
void check_plain(const Reading& reading) {
  const Reading again = read(reading.output, reading.output.size() + 1, reading.output.size() + 1);
  require(again.output == reading.output, "the one form stays as it is");
  require(again.blocks == reading.blocks, "and means the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  const std::size_t stride = 1U + data[0];
  const Reading whole = read(bytes, size, size);
  require(!whole.too_long, "nothing is longer than the whole");
  require(whole.blocks == sse_reference::read(bytes), "the data are those of the rule");
  require(read(bytes, 1, size) == whole, "byte by byte is the same");
  require(read(bytes, stride, size) == whole, "any cut is the same");
  check_plain(whole);
  const std::size_t limit = data[1];
  const Reading limited = read(bytes, size, limit);
  require(read(bytes, 1, limit) == limited && read(bytes, stride, limit) == limited, "so is where it breaks off");
  require(whole.output.starts_with(limited.output), "until there it is the same");
  return 0;
}

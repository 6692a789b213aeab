// Takes a stream's body apart into events, whatever frames them: server-sent events, one JSON value a line, plain text,
// gRPC's frames, or nothing at all. Owner: one converted stream. Thread: any (pure). Does not: look into the data, keep
// the bytes of events for a relay as they are (SseReader does).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "net/sse.h"

namespace intragate::net {

enum class EventFraming : std::uint8_t {
  sse,     // the data of each event
  ndjson,  // each line with something in it
  text,    // whatever has come, cut between characters
  whole,   // the whole body is one event
  grpc,    // each frame, its five bytes included: a flag, a length, and as many bytes
};

class EventReader {
 public:
  explicit EventReader(EventFraming framing, std::size_t limit = 4 * 1024 * 1024)
      : sse_{limit}, limit_{limit}, framing_{framing} {}

  enum class State : std::uint8_t { event, more, too_long };
  struct Step {
    State state = State::more;
    std::string_view data{};   // a view of the input or of this reader; valid until the next call
    std::size_t consumed = 0;  // `more`: always all of the input
  };
  // The next event of the input; call again with what remains until `more`. The same bytes give the same events however
  // they are cut into inputs; of text, the same text.
  Step step(std::string_view input);
  // The body is over: what was held and is an event all the same. Call until `more`.
  Step finish();

 private:
  Step step_sse(std::string_view input);
  Step step_line(std::string_view input);
  Step step_text(std::string_view input);
  Step step_frame(std::string_view input);
  Step keep(std::string_view input);

  SseReader sse_;
  std::string held_;  // the beginning of an event
  std::size_t limit_;
  EventFraming framing_;
  bool given_ = false;  // held_ was given out
};

}  // namespace intragate::net

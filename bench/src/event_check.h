// Checks that the events of one SSE stream arrive once, in order and whole, and counts HTTP chunks that are not exactly
// one event (merged, split), which Dify's client would notice.
// Owner:   one per stream of bench_load.  Thread: one.
// Does not: parse JSON; it looks for the mark that bench_model wrote (answers.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "answers.h"
#include "response_reader.h"

namespace intragate::bench {

struct EventCounts {
  std::uint64_t events = 0;  // [DONE] included
  std::uint64_t wrong = 0;   // lost, doubled, out of order, torn
  std::uint64_t chunks = 0;
  std::uint64_t uneven_chunks = 0;  // not exactly one event

  EventCounts& operator+=(const EventCounts& other) {
    events += other.events;
    wrong += other.wrong;
    chunks += other.chunks;
    uneven_chunks += other.uneven_chunks;
    return *this;
  }
};

// How a client's API shows the events: what stands before an event's number, and what the event that ends a stream
// holds.
struct Marks {
  std::string_view number = kEventMark;
  std::string_view end = kStreamEnd;
};

class EventCheck : public AnswerSink {
 public:
  EventCheck() = default;
  explicit EventCheck(const Marks& marks) : marks_{marks} {}

  void body(std::string_view bytes) override;
  void chunk_ended() override;

  // Whether the end came, after exactly `expected` numbered events.
  bool complete(std::uint64_t expected) const { return done_ && next_ == expected && pending_.empty(); }
  bool any() const { return counts_.events > 0; }
  const EventCounts& counts() const { return counts_; }

 private:
  // Takes whole events from the front of `bytes`.
  void take_events(std::string_view& bytes);
  void take_event(std::string_view event);

  Marks marks_;
  std::string pending_;  // the beginning of an event whose end has not come
  std::uint64_t next_ = 0;
  std::uint64_t in_chunk_ = 0;  // events that ended in this chunk
  bool began_torn_ = false;     // this chunk begins inside an event
  bool done_ = false;
  EventCounts counts_;
};

}  // namespace intragate::bench

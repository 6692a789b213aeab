// Streams: opens S of them, all at once or at a rate, checks every event, and either reads them to the end or holds
// them until standard input ends and then vanishes without a word.
// Owner:   load_main.cpp.  Thread: one.
// Does not: reconnect; a stream that breaks is an error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "event_check.h"
#include "percentiles.h"
#include "poller.h"
#include "response_reader.h"
#include "sockets.h"
#include "wire.h"

namespace intragate::bench {

struct StreamPlan {
  Address target;
  std::string request;
  std::uint64_t streams = 256;
  std::uint64_t per_second = 0;  // 0 = all at once
  std::uint64_t events = 100;    // in each stream, [DONE] not counted; 0 = endless, to be held
  Nanos longest = 30'000'000'000;
  Marks marks{};
  Tls* tls = nullptr;  // null: plain
};

class StreamLoad {
 public:
  explicit StreamLoad(const StreamPlan& plan);

  // Reads all streams to the end. One JSON object: streams, completed, errors, first_error, events, wrong_events,
  // chunks, uneven_chunks, wall_s, first_byte_p50_us …
  std::string run();

  // Prints one such object as soon as every stream has had its first event (or failed, or time is up), then reads on
  // until standard input ends.
  void hold();

 private:
  struct Stream {
    Wire wire;
    bool live = false;
    std::size_t sent = 0;
    Nanos opened_at = 0;
    ResponseReader reader;
    EventCheck check;
  };

  void open_due();
  void open(std::size_t index);
  void turn(int timeout_ms);
  void on_ready(std::size_t index, std::uint32_t events);
  void send_rest(std::size_t index);
  void read_all(std::size_t index);
  void take(std::size_t index, std::string_view bytes);
  void end(std::size_t index, const std::string& error);
  std::string report();

  const StreamPlan plan_;
  Poller poller_;
  std::vector<Stream> streams_;
  std::vector<char> buffer_;
  Times first_bytes_;
  EventCounts counts_;
  Nanos start_ = 0;
  std::uint64_t opened_ = 0;
  std::uint64_t started_ = 0;  // have had their first event
  std::uint64_t completed_ = 0;
  std::uint64_t errors_ = 0;
  std::string first_error_;
  bool input_ended_ = false;
};

}  // namespace intragate::bench

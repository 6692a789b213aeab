// A model server that answers from memory: the other side of every proxy under test. It has to cost less than any of
// them, so it knows only what the benchmark sends: POST with Content-Length, GET, keep-alive.
//   POST, anything    one completion of 1 KB, or a stream where the body's first 4 KB hold "stream":true, in the form
//                     of the target (forms.h)
//   gRPC, anything    ServerReady where the request is empty, else ModelStreamInfer (grpc_frames.h)
//   GET  .../models   the list with the one model
//   GET  /stats       counts as JSON: connections, calls_opened, calls_ended, calls_cut, calls_running, events,
//                     bad_bodies, quiet_us (since a call last ended or was cut)
//   GET  /set?events=N&interval_us=T&check=0|1   the streams that start from now on; answers like /stats
// Owner:   model_main.cpp.  Thread: one.
// Does not: read large bodies (the kernel drops them, MSG_TRUNC), unless `check` asks to look at every one.
#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "forms.h"
#include "poller.h"
#include "sockets.h"

namespace intragate::bench {

struct ModelPlan {
  std::uint64_t events = 100;  // 0 = endless
  Nanos interval = 10'000'000;
  bool check_bodies = false;
};

struct ModelStats {
  std::uint64_t connections = 0;   // open now
  std::uint64_t calls_opened = 0;  // streams and plain calls
  std::uint64_t calls_ended = 0;   // answered to the end
  std::uint64_t calls_cut = 0;     // the proxy left in the middle
  std::uint64_t events = 0;        // events written
  std::uint64_t bad_bodies = 0;    // bodies that were not whole, seen with `check` only
  Nanos last_end = 0;              // when a call last ended or was cut
};

class ModelServer {
 public:
  ModelServer(int listener, const ModelPlan& plan);

  // Serves until the process ends.
  [[noreturn]] void run();

 private:
  enum class Phase : std::uint8_t { head, body, streaming };
  struct Call {
    std::uint32_t generation = 0;  // distinguishes the users of one descriptor number
    bool open = false;
    Phase phase = Phase::head;
    const Form* form = nullptr;  // of its stream
    bool usage_asked = false;
    bool grpc = false;  // the connection speaks HTTP/2; `kept` is a part of a frame
    std::uint32_t stream = 0;
    std::size_t asked = 0;  // bytes of the request
    bool wants_write = false;
    std::uint64_t body_left = 0;  // bytes of the body not read yet
    std::uint64_t next_event = 0;
    ModelPlan plan;
    std::string kept;    // an incomplete head, or the part of a body that is looked at
    std::string unsent;  // what the socket did not take yet
  };
  struct Timer {
    Nanos due;
    int fd;
    std::uint32_t generation;
    bool operator<(const Timer& other) const { return due > other.due; }  // the earliest on top
  };

  void accept_all();
  void drop(int fd);
  void on_ready(int fd, std::uint32_t events);
  void read_all(int fd);
  // Takes what it can use from the front of `bytes`; false once the connection is closed.
  bool consume(int fd, std::string_view& bytes);
  bool take_head(int fd, std::string_view& bytes);
  bool start_call(int fd, std::string_view head);
  bool take_body(int fd, std::string_view& bytes);
  bool answer_call(int fd);
  bool take_frames(int fd, std::string_view& bytes);
  bool answer_get(int fd, std::string_view target);
  void change_plan(std::string_view query);
  void start_stream(int fd);
  void write_event(Call& call, std::uint64_t number, Place place);
  void tick(const Timer& timer);
  int run_timers();
  bool send_all(int fd, std::string_view bytes);
  bool send_unsent(int fd);
  std::string stats_json() const;

  int listener_;
  ModelPlan plan_;
  ModelStats stats_;
  Poller poller_;
  std::vector<Call> calls_;  // by descriptor
  std::priority_queue<Timer> timers_;
  std::vector<char> buffer_;
  std::string scratch_;
  const std::string completion_;
};

}  // namespace intragate::bench

// Plain calls: C connections ask, read the whole answer and ask again, on the same connection or on a new one.
// Owner:   load_main.cpp.  Thread: one.
// Does not: pipeline, follow redirects, look into the answer beyond status and length.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "percentiles.h"
#include "poller.h"
#include "response_reader.h"
#include "sockets.h"
#include "wire.h"

namespace intragate::bench {

enum class Reuse : std::uint8_t { keep_alive, connection_per_call };

struct RequestPlan {
  Address target;
  std::string request;
  std::uint64_t connections = 64;
  std::uint64_t calls = 1000;
  Nanos longest = 10'000'000'000;  // no new call after this; those under way get 5 s more and are errors then
  Reuse reuse = Reuse::keep_alive;
  Tls* tls = nullptr;  // null: plain
};

class RequestLoad : private AnswerSink {
 public:
  explicit RequestLoad(const RequestPlan& plan);

  // Runs the plan; the result is one JSON object: completed, errors, reconnects, first_error, wall_s, call_p50_us …
  std::string run();

 private:
  struct Connection {
    Wire wire;
    std::uint32_t generation = 0;
    bool asking = false;  // a call is under way
    bool used = false;    // this connection has answered before
    std::size_t sent = 0;
    Nanos asked_at = 0;
    ResponseReader reader;
  };

  void body(std::string_view) override {}
  void chunk_ended() override {}

  void turn();
  bool may_ask() const { return issued_ < plan_.calls && now() < stop_at_; }
  void begin_call(std::size_t index);
  void open(std::size_t index);
  void shut(std::size_t index);
  void fail(std::size_t index, const std::string& reason);
  void on_ready(std::size_t index, std::uint32_t events);
  // Both return false once the connection is gone.
  bool send_rest(std::size_t index);
  bool read_all(std::size_t index);
  void lost(std::size_t index);
  void completed(std::size_t index);

  const RequestPlan plan_;
  Poller poller_;
  std::vector<Connection> connections_;
  std::vector<char> buffer_;
  Times times_;
  Nanos stop_at_ = 0;
  std::uint64_t issued_ = 0;
  std::uint64_t completed_ = 0;
  std::uint64_t errors_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t under_way_ = 0;
  std::string first_error_;
};

}  // namespace intragate::bench

#include "app/front_door.h"

#include <array>

namespace intragate::app {
namespace {

constexpr int kBatch = 8;  // accepted in a row before other work of the loop gets its turn
constexpr Duration kStarvedPause = std::chrono::milliseconds{100};

constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    "content-length: 132\r\n\r\n"
    R"({"error":{"message":"The gateway has too many open connections; try again.",)"
    R"("type":"server_error","param":null,"code":"overloaded"}})";

constexpr std::string_view kNoMemory =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n"
    "content-length: 129\r\n\r\n"
    R"({"error":{"message":"The gateway is short of memory; please try again.",)"
    R"("type":"server_error","param":null,"code":"memory_full"}})";

void turn_away(pipeline::Worker& worker, net::Listener::Accepted& accepted, pipeline::Door& door, Code why) {
  worker.refuse(accepted.peer, door, why);
  const std::array<std::string_view, 1> pieces{why == Code::memory_full ? kNoMemory : kTooMany};
  (void)accepted.socket.write(pieces);
}

void admit(pipeline::Worker& worker, net::Listener::Accepted accepted, pipeline::Door& door) {
  if (!door.rules.allow.contains(accepted.peer.ip)) {
    worker.refuse(accepted.peer, door, Code::address_not_allowed);
    return;
  }
  if (worker.loop().nearly_full()) {
    turn_away(worker, accepted, door, Code::memory_full);
    return;
  }
  const bool full = door.open->fetch_add(1, std::memory_order_relaxed) >= door.rules.max_connections;
  if (full && !worker.close_longest_resting(door)) {
    door.open->fetch_sub(1, std::memory_order_relaxed);
    turn_away(worker, accepted, door, Code::overloaded);
    return;
  }
  worker.serve(std::move(accepted.socket), accepted.peer, door);
}

}  // namespace

net::Task<void> accept_connections(pipeline::Worker& worker, net::Listener& listener, pipeline::Door& door,
                                   net::Cancellation& closing) {
  net::Loop& loop = worker.loop();
  while (!closing.fired()) {
    int taken = 0;
    while (taken < kBatch) {
      std::optional<net::Listener::Accepted> accepted = listener.accept();
      if (!accepted) break;
      ++taken;
      admit(worker, std::move(*accepted), door);
    }
    if (taken == kBatch) {
      co_await net::Yield{loop};
    } else if (listener.starved()) {
      (void)co_await net::Pause{loop, {Deadline::in(loop.now(), kStarvedPause), &closing}};
    } else {
      (void)co_await listener.wait(loop, {Deadline{}, &closing});
    }
  }
}

}  // namespace intragate::app

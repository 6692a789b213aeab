#include "request_load.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

namespace intragate::bench {
namespace {

constexpr Nanos kGrace = 5'000'000'000;
constexpr std::uint32_t kAll = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

RequestLoad::RequestLoad(const RequestPlan& plan) : plan_{plan}, connections_(plan.connections), buffer_(1 << 18) {
  times_.reserve(plan.calls);
}

std::string RequestLoad::run() {
  const Nanos start = now();
  stop_at_ = start + plan_.longest;
  if (plan_.tls != nullptr && plan_.tls->resumes()) {  // the others shall find a session
    begin_call(0);
    while (completed_ + errors_ == 0 && now() < stop_at_) turn();
  }
  for (std::size_t i = 0; i < connections_.size(); ++i) begin_call(i);
  while (under_way_ > 0 && now() < stop_at_ + kGrace) turn();
  if (under_way_ > 0 && first_error_.empty()) first_error_ = "no answer in time";
  errors_ += under_way_;
  const double wall = static_cast<double>(now() - start) / 1e9;
  return "{\"completed\":" + std::to_string(completed_) + ",\"errors\":" + std::to_string(errors_) +
         ",\"reconnects\":" + std::to_string(reconnects_) +
         ",\"resumed\":" + std::to_string(plan_.tls != nullptr ? plan_.tls->resumed() : 0) + ",\"first_error\":\"" +
         first_error_ + "\",\"wall_s\":" + std::to_string(wall) + ',' + times_.json("call") + '}';
}

void RequestLoad::turn() {
  for (const epoll_event& event : poller_.wait(100)) {
    const std::size_t index = event.data.u64 & 0xffffffff;
    if (connections_[index].generation == event.data.u64 >> 32) on_ready(index, event.events);
  }
}

// Asks once more on this connection, if there is anything left to ask.
void RequestLoad::begin_call(std::size_t index) {
  Connection& connection = connections_[index];
  if (connection.asking || !may_ask()) return;
  ++issued_;
  ++under_way_;
  connection.asking = true;
  connection.asked_at = now();
  connection.sent = 0;
  connection.reader.begin();
  if (!connection.wire.open()) {
    open(index);
  } else {
    send_rest(index);
  }
}

void RequestLoad::open(std::size_t index) {
  Connection& connection = connections_[index];
  connection.wire = Wire{connect_to(plan_.target), plan_.tls};
  connection.used = false;
  connection.sent = 0;
  if (!connection.wire.open()) return fail(index, std::string("connect: ") + strerror(errno));
  ++connection.generation;
  poller_.add(connection.wire.fd(), kAll, static_cast<std::uint64_t>(connection.generation) << 32 | index);
}

void RequestLoad::shut(std::size_t index) {
  Connection& connection = connections_[index];
  connection.wire.close();
  ++connection.generation;
}

// Ends this call as an error and goes on with the next one, unless errors are all that comes.
void RequestLoad::fail(std::size_t index, const std::string& reason) {
  if (first_error_.empty()) first_error_ = reason;
  ++errors_;
  --under_way_;
  connections_[index].asking = false;
  shut(index);
  if (errors_ <= connections_.size() * 10) begin_call(index);
}

void RequestLoad::on_ready(std::size_t index, std::uint32_t events) {
  const std::uint32_t generation = connections_[index].generation;
  if ((events & (EPOLLOUT | EPOLLIN)) != 0 && connections_[index].asking && !send_rest(index)) return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) return;
  if (connections_[index].generation == generation) read_all(index);
}

bool RequestLoad::send_rest(std::size_t index) {
  Connection& connection = connections_[index];
  while (connection.sent < plan_.request.size()) {
    const char* from = plan_.request.data() + connection.sent;
    const ssize_t count = connection.wire.send(from, plan_.request.size() - connection.sent);
    if (count < 0 && errno == EAGAIN) return true;
    if (count < 0) {
      lost(index);
      return false;
    }
    connection.sent += static_cast<std::size_t>(count);
  }
  return true;
}

bool RequestLoad::read_all(std::size_t index) {
  while (connections_[index].wire.open()) {
    Connection& connection = connections_[index];
    const ssize_t count = connection.wire.receive(buffer_.data(), buffer_.size());
    if (count < 0 && errno == EAGAIN) return true;
    if (count <= 0) {
      lost(index);
      return false;
    }
    const auto size = static_cast<std::size_t>(count);
    std::string_view bytes(buffer_.data(), size);
    if (!connection.asking) {
      shut(index);  // bytes that nobody asked for
      return false;
    }
    const ReadState state = connection.reader.feed(bytes, *this);
    if (state == ReadState::broken || !bytes.empty()) {
      fail(index, "broken answer");
      return false;
    }
    if (state == ReadState::complete) completed(index);
    if (connections_[index].wire.drained(size, buffer_.size())) return true;  // drained; an edge tells of more
  }
  return false;
}

// The other side has gone. On a kept connection that had not begun to answer this is the known race of keep-alive:
// asked again on a new one, not an error.
void RequestLoad::lost(std::size_t index) {
  Connection& connection = connections_[index];
  const bool race = connection.used && !connection.reader.started();
  if (!connection.asking) return shut(index);
  if (!race) return fail(index, connection.reader.started() ? "cut in mid-answer" : "closed without an answer");
  ++reconnects_;
  shut(index);
  open(index);
}

void RequestLoad::completed(std::size_t index) {
  Connection& connection = connections_[index];
  if (connection.reader.status() != 200) {
    return fail(index, "status " + std::to_string(connection.reader.status()));
  }
  times_.add(now() - connection.asked_at);
  ++completed_;
  --under_way_;
  connection.asking = false;
  connection.used = true;
  if (plan_.reuse == Reuse::connection_per_call || connection.reader.closes()) shut(index);
  begin_call(index);
}

}  // namespace intragate::bench

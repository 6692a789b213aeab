#include "stream_load.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>

namespace intragate::bench {
namespace {

// Opened between two looks at what has arrived. A generator that opens everything before it reads measures itself.
constexpr std::uint64_t kBatch = 64;
constexpr std::uint64_t kInputTag = ~std::uint64_t{0};
constexpr std::uint32_t kAll = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

StreamLoad::StreamLoad(const StreamPlan& plan) : plan_{plan}, streams_(plan.streams), buffer_(1 << 18) {
  first_bytes_.reserve(plan.streams);
}

std::string StreamLoad::run() {
  start_ = now();
  while (completed_ + errors_ < plan_.streams && now() < start_ + plan_.longest) {
    open_due();
    turn(opened_ < plan_.streams ? (plan_.per_second > 0 ? 1 : 0) : 100);
  }
  return report();
}

void StreamLoad::hold() {
  start_ = now();
  poller_.add(STDIN_FILENO, EPOLLIN, kInputTag);
  while (started_ + errors_ < plan_.streams && now() < start_ + plan_.longest && !input_ended_) {
    open_due();
    turn(opened_ < plan_.streams ? 1 : 100);
  }
  std::printf("%s\n", report().c_str());
  std::fflush(stdout);
  while (!input_ended_) turn(1000);
}

void StreamLoad::open_due() {
  std::uint64_t due = std::min(plan_.streams, opened_ + kBatch);
  if (plan_.per_second > 0) due = std::min(due, (now() - start_) * plan_.per_second / 1'000'000'000 + 1);
  while (opened_ < due) open(opened_++);
}

void StreamLoad::open(std::size_t index) {
  Stream& stream = streams_[index];
  stream.opened_at = now();
  stream.live = true;
  stream.wire = Wire{connect_to(plan_.target), plan_.tls};
  if (!stream.wire.open()) return end(index, std::string("connect: ") + strerror(errno));
  stream.check = EventCheck{plan_.marks};
  stream.reader.begin();
  poller_.add(stream.wire.fd(), kAll, index);
}

void StreamLoad::turn(int timeout_ms) {
  for (const epoll_event& event : poller_.wait(timeout_ms)) {
    if (event.data.u64 == kInputTag) {
      char byte = 0;
      input_ended_ = read(STDIN_FILENO, &byte, 1) <= 0;
    } else if (streams_[event.data.u64].live) {
      on_ready(event.data.u64, event.events);
    }
  }
}

void StreamLoad::on_ready(std::size_t index, std::uint32_t events) {
  if ((events & (EPOLLOUT | EPOLLIN)) != 0) send_rest(index);
  if (streams_[index].live && (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) read_all(index);
}

void StreamLoad::send_rest(std::size_t index) {
  Stream& stream = streams_[index];
  while (stream.sent < plan_.request.size()) {
    const char* from = plan_.request.data() + stream.sent;
    const ssize_t count = stream.wire.send(from, plan_.request.size() - stream.sent);
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return end(index, std::string("send: ") + strerror(errno));
    stream.sent += static_cast<std::size_t>(count);
  }
}

void StreamLoad::read_all(std::size_t index) {
  Stream& stream = streams_[index];
  while (stream.live) {
    const ssize_t count = stream.wire.receive(buffer_.data(), buffer_.size());
    if (count < 0 && errno == EAGAIN) return;
    if (count < 0) return end(index, std::string("receive: ") + strerror(errno));
    if (count == 0) return end(index, "cut in mid-stream");
    const auto size = static_cast<std::size_t>(count);
    take(index, {buffer_.data(), size});
    if (stream.wire.drained(size, buffer_.size())) return;
  }
}

void StreamLoad::take(std::size_t index, std::string_view bytes) {
  Stream& stream = streams_[index];
  const bool had_any = stream.check.any();
  const ReadState state = stream.reader.feed(bytes, stream.check);
  if (!had_any && stream.check.any()) {
    first_bytes_.add(now() - stream.opened_at);
    ++started_;
  }
  if (stream.reader.status() > 200) return end(index, "status " + std::to_string(stream.reader.status()));
  if (state == ReadState::broken) return end(index, "broken answer");
  if (state != ReadState::complete) return;
  end(index, stream.check.complete(plan_.events) ? "" : "events are missing");
}

// Closes a stream; an empty error means that it came to its proper end.
void StreamLoad::end(std::size_t index, const std::string& error) {
  Stream& stream = streams_[index];
  stream.live = false;
  stream.wire.close();
  counts_ += stream.check.counts();
  if (error.empty()) {
    ++completed_;
    return;
  }
  if (first_error_.empty()) first_error_ = error;
  if (stream.check.any()) --started_;
  ++errors_;
}

std::string StreamLoad::report() {
  EventCounts counts = counts_;
  for (const Stream& stream : streams_) {
    if (stream.live) counts += stream.check.counts();
  }
  const std::uint64_t open = opened_ - completed_ - errors_;
  if (plan_.events > 0) {
    errors_ += plan_.streams - completed_ - errors_;
    if (open > 0 && first_error_.empty()) first_error_ = "not complete in time";
  }
  const auto field = [](const char* name, std::uint64_t value) {
    return '"' + std::string(name) + "\":" + std::to_string(value) + ',';
  };
  return '{' + field("streams", plan_.streams) + field("open", open) + field("started", started_) +
         field("completed", completed_) + field("errors", errors_) + "\"first_error\":\"" + first_error_ + "\"," +
         field("events", counts.events) + field("wrong_events", counts.wrong) + field("chunks", counts.chunks) +
         field("uneven_chunks", counts.uneven_chunks) +
         "\"wall_s\":" + std::to_string(static_cast<double>(now() - start_) / 1e9) + ',' +
         first_bytes_.json("first_byte") + '}';
}

}  // namespace intragate::bench

#include "model_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "answers.h"
#include "body_check.h"
#include "grpc_frames.h"

namespace intragate::bench {
namespace {

constexpr std::size_t kBuffer = 1 << 20;
constexpr std::size_t kLookedAt = 4096;  // of a body, to tell a stream from a plain call
constexpr std::size_t kMaxHead = 32768;
constexpr std::uint32_t kReading = EPOLLIN | EPOLLRDHUP;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t value = 0;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The value of `Content-Length`, 0 when there is none.
std::uint64_t content_length(std::string_view head) {
  constexpr std::string_view name = "content-length:";
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, name.size());
    if (line.size() == name.size() && strncasecmp(line.data(), name.data(), name.size()) == 0) {
      return number_in(head.substr(at + 2 + name.size(), 20));
    }
  }
  return 0;
}

}  // namespace

ModelServer::ModelServer(int listener, const ModelPlan& plan)
    : listener_{listener}, plan_{plan}, buffer_(kBuffer), completion_{whole_answer(200, completion_body())} {
  poller_.add(listener_, EPOLLIN, 0);
}

void ModelServer::run() {
  while (true) {
    for (const epoll_event& event : poller_.wait(run_timers())) {
      const int fd = static_cast<int>(event.data.u64 & 0xffffffff);
      if (fd == 0) {
        accept_all();
      } else if (calls_[fd].open && calls_[fd].generation == event.data.u64 >> 32) {
        on_ready(fd, event.events);
      }
    }
  }
}

void ModelServer::accept_all() {
  for (int i = 0; i < 64; ++i) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (calls_.size() <= static_cast<std::size_t>(fd)) calls_.resize(static_cast<std::size_t>(fd) * 2 + 64);
    const std::uint32_t generation = calls_[fd].generation + 1;
    calls_[fd] = Call{};
    calls_[fd].generation = generation;
    calls_[fd].open = true;
    ++stats_.connections;
    poller_.add(fd, kReading, static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint64_t>(fd));
    read_all(fd);
  }
}

void ModelServer::drop(int fd) {
  Call& call = calls_[fd];
  if (call.phase != Phase::head) {
    ++stats_.calls_cut;
    stats_.last_end = now();
  }
  --stats_.connections;
  call.open = false;
  std::string().swap(call.kept);
  std::string().swap(call.unsent);
  close(fd);
}

void ModelServer::on_ready(int fd, std::uint32_t events) {
  if ((events & EPOLLOUT) != 0 && !send_unsent(fd)) return drop(fd);
  if ((events & EPOLLIN) != 0) return read_all(fd);
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) drop(fd);
}

void ModelServer::read_all(int fd) {
  while (true) {
    const Call& call = calls_[fd];
    const bool discards = call.phase == Phase::body && !call.plan.check_bodies && call.kept.size() >= kLookedAt;
    const std::size_t room = discards ? std::min<std::uint64_t>(kBuffer, call.body_left) : kBuffer;
    const ssize_t count = recv(fd, buffer_.data(), room, discards ? MSG_TRUNC : 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return drop(fd);
    const auto size = static_cast<std::size_t>(count);
    std::string_view bytes(buffer_.data(), size);
    while (!bytes.empty()) {
      if (!consume(fd, bytes)) return;
    }
    if (calls_[fd].phase != Phase::body) return;  // in mid-body more is on its way; otherwise wait to be told
  }
}

bool ModelServer::consume(int fd, std::string_view& bytes) {
  if (calls_[fd].grpc) return take_frames(fd, bytes);
  if (calls_[fd].phase == Phase::head) return take_head(fd, bytes);
  if (calls_[fd].phase == Phase::body) return take_body(fd, bytes);
  drop(fd);  // nobody speaks while a stream runs
  return false;
}

bool ModelServer::take_head(int fd, std::string_view& bytes) {
  Call& call = calls_[fd];
  constexpr std::string_view end = "\r\n\r\n";
  if (call.kept.empty()) {
    const std::size_t at = bytes.find(end);
    if (at != std::string_view::npos) {
      const std::string_view head = bytes.substr(0, at + end.size());
      bytes.remove_prefix(head.size());
      return start_call(fd, head);
    }
  }
  const std::size_t before = call.kept.size();
  call.kept.append(bytes);
  const std::size_t at = call.kept.find(end, before > 3 ? before - 3 : 0);
  if (at == std::string::npos) {
    bytes = {};
    if (call.kept.size() <= kMaxHead) return true;
    drop(fd);
    return false;
  }
  bytes.remove_prefix(at + end.size() - before);
  const std::string head = call.kept.substr(0, at + end.size());
  call.kept.clear();
  return start_call(fd, head);
}

bool ModelServer::start_call(int fd, std::string_view head) {
  if (head.starts_with("GET ")) return answer_get(fd, head.substr(4, head.find(' ', 4) - 4));
  Call& call = calls_[fd];
  if (head == grpc::kPreface) {
    call.grpc = true;
    scratch_.clear();
    grpc::append_settings(scratch_);
    return send_all(fd, scratch_) || (drop(fd), false);
  }
  ++stats_.calls_opened;
  const std::size_t target = head.find(' ') + 1;
  call.form = &form_of(head.substr(target, head.find(' ', target) - target));
  call.phase = Phase::body;
  call.plan = plan_;
  call.kept.clear();
  call.body_left = content_length(head);
  return call.body_left > 0 || answer_call(fd);
}

bool ModelServer::take_body(int fd, std::string_view& bytes) {
  Call& call = calls_[fd];
  const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), call.body_left));
  if (call.plan.check_bodies) {
    call.kept.append(bytes.substr(0, taken));
  } else if (call.kept.size() < kLookedAt) {
    call.kept.append(bytes.substr(0, std::min(taken, kLookedAt - call.kept.size())));
  }
  call.body_left -= taken;
  bytes.remove_prefix(taken);
  return call.body_left > 0 || answer_call(fd);
}

// One call after the other, each whole before it is answered.
bool ModelServer::take_frames(int fd, std::string_view& bytes) {
  Call& call = calls_[fd];
  call.kept.append(bytes);
  bytes = {};
  const std::string kept = std::exchange(call.kept, {});
  std::string_view rest = kept;
  if (call.stream == 0 && rest.starts_with(grpc::kPrefaceEnd)) rest.remove_prefix(grpc::kPrefaceEnd.size());
  bool asked = false;
  std::string replies;
  while (const std::optional<grpc::Frame> frame = grpc::next_frame(rest)) {
    using Type = grpc::Frame::Type;
    const bool news = frame->type == Type::settings || frame->type == Type::ping;
    if (news && !frame->flag) grpc::append_acknowledgement(replies, *frame);
    if (frame->type == Type::headers) {
      call.stream = frame->stream;
      call.asked = 0;
    }
    if (frame->type == Type::data) {
      call.asked += frame->payload.size();
      if (!frame->payload.empty()) grpc::append_window(replies, frame->payload.size());
      asked = frame->flag;
    }
    if (frame->type == Type::reset && call.phase == Phase::streaming) {
      call.phase = Phase::head;
      ++stats_.calls_cut;
      stats_.last_end = now();
    }
  }
  call.kept = rest;
  constexpr std::size_t kEmpty = 5;  // the head of a message
  if (asked && call.asked <= kEmpty) grpc::append_ready(replies, call.stream);
  if (!replies.empty() && !send_all(fd, replies)) {
    drop(fd);
    return false;
  }
  if (!asked || call.asked <= kEmpty) return true;
  ++stats_.calls_opened;
  call.plan = plan_;
  start_stream(fd);
  return calls_[fd].open;
}

bool ModelServer::answer_call(int fd) {
  Call& call = calls_[fd];
  if (call.plan.check_bodies && !is_whole_body(call.kept)) ++stats_.bad_bodies;
  const std::string_view start = std::string_view(call.kept).substr(0, kLookedAt);
  const bool streams = call.form->always || contains(start, R"("stream":true)") || contains(start, R"("stream": true)");
  call.usage_asked = streams && contains(start, R"("include_usage":)");
  call.kept.clear();
  if (streams) {
    start_stream(fd);
    return calls_[fd].open;
  }
  call.phase = Phase::head;
  ++stats_.calls_ended;
  if (send_all(fd, completion_)) return true;
  drop(fd);
  return false;
}

bool ModelServer::answer_get(int fd, std::string_view target) {
  const std::size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (path == "/set" && question != std::string_view::npos) change_plan(target.substr(question + 1));
  std::string answer;
  if (path.ends_with("/models")) {
    answer = whole_answer(200, models_body());
  } else if (path == "/stats" || path == "/set") {
    answer = whole_answer(200, stats_json());
  } else {
    answer = whole_answer(404, R"({"error":{"message":"no such page"}})");
  }
  if (send_all(fd, answer)) return true;
  drop(fd);
  return false;
}

void ModelServer::change_plan(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = pair.substr(0, equals);
    const std::uint64_t value = number_in(pair.substr(equals + 1));
    if (name == "events") plan_.events = value;
    if (name == "interval_us") plan_.interval = value * 1000;
    if (name == "check") plan_.check_bodies = value != 0;
  }
}

void ModelServer::start_stream(int fd) {
  Call& call = calls_[fd];
  call.phase = Phase::streaming;
  call.next_event = 1;
  ++stats_.events;
  scratch_.clear();
  if (call.grpc) {
    grpc::append_head(scratch_, call.stream);
  } else {
    append_head(scratch_, *call.form);
  }
  write_event(call, 0, call.plan.events == 1 ? Place::last : Place::before);
  if (!send_all(fd, scratch_)) return drop(fd);
  timers_.push({now() + call.plan.interval, fd, call.generation});
}

void ModelServer::write_event(Call& call, std::uint64_t number, Place place) {
  if (call.grpc) {
    grpc::append_event(scratch_, call.stream, number);
  } else {
    append_event(scratch_, *call.form, number, place);
  }
}

// One event of one stream, or its end. A stream whose proxy takes nothing is skipped: the model waits, as real ones do.
void ModelServer::tick(const Timer& timer) {
  Call& call = calls_[timer.fd];
  if (!call.open || call.generation != timer.generation || call.phase != Phase::streaming) return;
  scratch_.clear();
  const bool last = call.plan.events != 0 && call.next_event >= call.plan.events;
  if (call.wants_write) {
    timers_.push({timer.due + call.plan.interval, timer.fd, timer.generation});
    return;
  }
  ++stats_.events;
  if (last) {
    if (call.grpc) {
      grpc::append_end(scratch_, call.stream);
    } else {
      append_end(scratch_, *call.form, call.usage_asked ? Usage::asked : Usage::unasked);
    }
    call.phase = Phase::head;
    ++stats_.calls_ended;
    stats_.last_end = now();
  } else {
    const bool ends = call.next_event + 1 == call.plan.events;
    write_event(call, call.next_event++, ends ? Place::last : Place::before);
    const Nanos time = now();
    const Nanos due = timer.due + call.plan.interval;
    timers_.push({due > time ? due : time + call.plan.interval, timer.fd, timer.generation});
  }
  if (!send_all(timer.fd, scratch_)) drop(timer.fd);
}

// Fires what is due; returns the milliseconds until the next one, -1 for none.
int ModelServer::run_timers() {
  if (timers_.empty()) return -1;
  const Nanos time = now();
  while (!timers_.empty() && timers_.top().due <= time) {
    const Timer timer = timers_.top();
    timers_.pop();
    tick(timer);
  }
  if (timers_.empty()) return -1;
  const Nanos after = now();
  const Nanos due = timers_.top().due;
  return due <= after ? 0 : static_cast<int>((due - after + 999'999) / 1'000'000);
}

bool ModelServer::send_all(int fd, std::string_view bytes) {
  Call& call = calls_[fd];
  if (!call.wants_write) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) return false;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (bytes.empty()) return true;
  call.unsent.append(bytes);
  if (call.wants_write) return true;
  call.wants_write = true;
  const std::uint64_t tag = static_cast<std::uint64_t>(call.generation) << 32 | static_cast<std::uint64_t>(fd);
  return poller_.change(fd, kReading | EPOLLOUT, tag);
}

bool ModelServer::send_unsent(int fd) {
  Call& call = calls_[fd];
  const ssize_t count = send(fd, call.unsent.data(), call.unsent.size(), MSG_NOSIGNAL);
  if (count < 0) return errno == EAGAIN;
  call.unsent.erase(0, static_cast<std::size_t>(count));
  if (!call.unsent.empty()) return true;
  call.wants_write = false;
  const std::uint64_t tag = static_cast<std::uint64_t>(call.generation) << 32 | static_cast<std::uint64_t>(fd);
  return poller_.change(fd, kReading, tag);
}

std::string ModelServer::stats_json() const {
  const std::uint64_t running = stats_.calls_opened - stats_.calls_ended - stats_.calls_cut;
  const auto field = [](const char* name, std::uint64_t value) {
    return '"' + std::string(name) + "\":" + std::to_string(value);
  };
  return '{' + field("connections", stats_.connections) + ',' + field("calls_opened", stats_.calls_opened) + ',' +
         field("calls_ended", stats_.calls_ended) + ',' + field("calls_cut", stats_.calls_cut) + ',' +
         field("calls_running", running) + ',' + field("events", stats_.events) + ',' +
         field("bad_bodies", stats_.bad_bodies) + ',' + field("quiet_us", (now() - stats_.last_end) / 1000) + '}';
}

}  // namespace intragate::bench

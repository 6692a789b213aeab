// A thin owner of one epoll descriptor. Every registration carries a caller's 64-bit tag.
// Owner:   a program's loop.  Thread: one.
// Does not: dispatch; the caller walks the batch that `wait` returns.
#pragma once

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <span>

namespace intragate::bench {

class Poller {
 public:
  Poller() : fd_{epoll_create1(EPOLL_CLOEXEC)} {}
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller() { close(fd_); }

  bool add(int fd, std::uint32_t events, std::uint64_t tag) { return control(EPOLL_CTL_ADD, fd, events, tag); }
  bool change(int fd, std::uint32_t events, std::uint64_t tag) { return control(EPOLL_CTL_MOD, fd, events, tag); }

  // At most 512 events; `timeout_ms` -1 waits without end, 0 only looks.
  std::span<const epoll_event> wait(int timeout_ms) {
    const int count = epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), timeout_ms);
    return {events_.data(), static_cast<std::size_t>(count > 0 ? count : 0)};
  }

 private:
  bool control(int operation, int fd, std::uint32_t events, std::uint64_t tag) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = tag;
    return epoll_ctl(fd_, operation, fd, &event) == 0;
  }

  int fd_;
  std::array<epoll_event, 512> events_{};
};

}  // namespace intragate::bench

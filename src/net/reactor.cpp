#include "net/reactor.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "net/loop.h"

namespace intragate::net {

namespace {

int opened(int descriptor, const char* call) {
  if (descriptor < 0) throw std::system_error{errno, std::generic_category(), call};
  return descriptor;
}

}  // namespace

Reactor::Reactor()
    : epoll_{opened(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")},
      wake_{opened(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // no descriptor: the wake-up
  opened(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
}

Reactor::~Reactor() {
  ::close(wake_);
  ::close(epoll_);
}

void Reactor::wake() const {
  const std::uint64_t one = 1;
  while (::write(wake_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

bool Reactor::take_wake() const {
  std::uint64_t calls = 0;
  return ::read(wake_, &calls, sizeof calls) > 0;
}

void Reactor::add(Descriptor& descriptor) const {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &descriptor;
  descriptor.registered = true;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor.fd, &event) != 0) {
    descriptor.hung_up = descriptor.can_read = descriptor.can_write = true;
  }
}

bool Reactor::wait(std::optional<std::chrono::milliseconds> longest) {
  constexpr std::int64_t kLongest = 3'600'000;  // epoll_wait takes an int
  int timeout = longest ? static_cast<int>(std::min<std::int64_t>(longest->count(), kLongest)) : -1;
  std::array<epoll_event, 256> events;
  bool woken = false;
  // A bounded number of rounds: a flood of events must not keep timers and messages waiting.
  for (int round = 0; round < 4; ++round) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == nullptr) {
        woken = take_wake() || woken;
      } else {
        handle(*static_cast<Descriptor*>(event.data.ptr), event.events);
      }
    }
    if (count < static_cast<int>(events.size())) break;
    timeout = 0;
  }
  return woken;
}

void Reactor::handle(Descriptor& descriptor, std::uint32_t events) {
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) descriptor.can_read = true;
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) descriptor.can_write = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    descriptor.hung_up = true;
    if (descriptor.on_hangup != nullptr) descriptor.on_hangup->fire(CancelReason::client_gone);
  }
  if (descriptor.waiting != nullptr && descriptor.waiting->satisfied()) descriptor.waiting->complete(Wake::ready);
}

namespace {

bool has(const Descriptor& descriptor, Interest interest) {
  const auto wanted = static_cast<std::uint8_t>(interest);
  return ((wanted & 1U) != 0 && descriptor.can_read) || ((wanted & 2U) != 0 && descriptor.can_write);
}

}  // namespace

bool Readiness::satisfied() const {
  return has(descriptor_, interest_) || (other_ != nullptr && has(*other_, other_interest_));
}

bool Readiness::await_ready() {
  if (over_already()) return true;
  if (!descriptor_.registered) {
    // The first wait comes after a read or write that found nothing; epoll reports at once what came since.
    loop().reactor().add(descriptor_);
  }
  if (other_ != nullptr && !other_->registered) loop().reactor().add(*other_);
  return false;
}

void Readiness::await_suspend(std::coroutine_handle<> handle) {
  descriptor_.waiting = this;
  if (other_ != nullptr) other_->waiting = this;
  suspend(handle);
  // Whatever is there already is had after a look at the sockets and the clock: a peer that always has something to say
  // must not keep deadlines, cancellations and others waiting.
  if (satisfied()) complete_later();
}

}  // namespace intragate::net

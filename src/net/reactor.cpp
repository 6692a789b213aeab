#include "net/reactor.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "net/loop.h"

namespace intragate::net {

Reactor::Reactor() : epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  if (epoll_ < 0) throw std::system_error{errno, std::generic_category(), "epoll_create1"};
}

Reactor::~Reactor() {
  ::close(epoll_);
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

bool Reactor::poll() {
  std::array<epoll_event, 256> events;
  bool any = false;
  // A bounded number of rounds: a flood of events must not keep timers and messages waiting.
  for (int round = 0; round < 4; ++round) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      handle(*static_cast<Descriptor*>(event.data.ptr), event.events);
    }
    if (count > 0) any = true;
    if (count < static_cast<int>(events.size())) break;
  }
  return any;
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

bool Readiness::satisfied() const {
  const auto wanted = static_cast<std::uint8_t>(interest_);
  return ((wanted & 1U) != 0 && descriptor_.can_read) || ((wanted & 2U) != 0 && descriptor_.can_write);
}

bool Readiness::await_ready() {
  if (over_already()) return true;
  if (!descriptor_.registered) {
    // The first wait comes after a read or write that found nothing; epoll reports at once what came since.
    loop().reactor().add(descriptor_);
  }
  if (!satisfied()) return false;
  set_result(Wake::ready);
  return true;
}

void Readiness::await_suspend(std::coroutine_handle<> handle) {
  descriptor_.waiting = this;
  suspend(handle);
}

}  // namespace intragate::net

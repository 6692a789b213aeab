// What a proxy cannot do without: `bench_floor --listen 127.0.0.1:8080 --model 127.0.0.1:9000` gives each client a
// connection of its own to the model and passes bytes on, read by read. It looks at nothing, checks nothing, records
// nothing: its CPU is the kernel's part of a call, below which no proxy over kept connections gets.
// Owner:   bench/run, as a candidate that takes part when it is named.  Thread: one.
// Does not: HTTP, pooling (a new client costs a new connection to the model), TLS.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "options.h"
#include "poller.h"
#include "sockets.h"

namespace intragate::bench {
namespace {

struct Way {
  int fd = -1;
  Way* other = nullptr;
  std::string unsent;  // what came from `other` and did not go out yet
};

class Floor {
 public:
  Floor(int listener, Address model) : listener_{listener}, model_{std::move(model)} {
    poller_.add(listener_, EPOLLIN, 0);
  }

  [[noreturn]] void run() {
    for (;;) {
      for (const epoll_event& event : poller_.wait(-1)) {
        if (event.data.u64 == 0) {
          accept_all();
        } else {
          serve(*reinterpret_cast<Way*>(event.data.u64), event.events);
        }
      }
      closed_.clear();  // not before: the batch may name both ends
    }
  }

 private:
  void accept_all() {
    for (;;) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const int model = connect_to(model_);
      if (model < 0) {
        ::close(client);
        continue;
      }
      auto* const front = new Way{.fd = client, .other = nullptr, .unsent = {}};
      auto* const back = new Way{.fd = model, .other = front, .unsent = {}};
      front->other = back;
      for (Way* way : {front, back}) {
        poller_.add(way->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, reinterpret_cast<std::uint64_t>(way));
      }
    }
  }

  void serve(Way& way, std::uint32_t events) {
    if (way.fd < 0) return;
    if ((events & EPOLLOUT) != 0 && !way.unsent.empty()) {
      std::string rest = std::move(way.unsent);
      way.unsent.clear();
      send(way, rest.data(), rest.size());
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) pass_on(way);
  }

  // Reads until a read is short: then there is no more, and the next bytes are an event of their own.
  void pass_on(Way& from) {
    for (;;) {
      const ssize_t n = ::recv(from.fd, bytes_.data(), bytes_.size(), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return close_both(from);
      if (n < 0) return;
      send(*from.other, bytes_.data(), static_cast<std::size_t>(n));
      if (static_cast<std::size_t>(n) < bytes_.size()) return;
    }
  }

  static void send(Way& to, const char* bytes, std::size_t size) {
    if (to.unsent.empty()) {
      const ssize_t n = ::send(to.fd, bytes, size, MSG_NOSIGNAL);
      const std::size_t sent = n < 0 ? 0 : static_cast<std::size_t>(n);
      bytes += sent;
      size -= sent;
    }
    to.unsent.append(bytes, size);
  }

  void close_both(Way& way) {
    for (Way* end : {&way, way.other}) {
      ::close(end->fd);
      end->fd = -1;
      closed_.emplace_back(end);
    }
  }

  int listener_;
  Address model_;
  Poller poller_;
  std::vector<char> bytes_ = std::vector<char>(512 * 1024);
  std::vector<std::unique_ptr<Way>> closed_;
};

int run(Options options) {
  const auto listen = parse_address(options.text("--listen", ""));
  const auto model = parse_address(options.text("--model", ""));
  const auto unread = options.unread();
  const int listener = listen ? listen_on(*listen) : -1;
  if (!listen || !model || unread || listener < 0) {
    std::fprintf(stderr, "usage: bench_floor --listen ADDRESS:PORT --model ADDRESS:PORT\n");
    return 2;
  }
  raise_file_limit();
  Floor{listener, *model}.run();
}

}  // namespace
}  // namespace intragate::bench

int main(int count, char** words) {
  return intragate::bench::run({count - 1, words + 1});
}

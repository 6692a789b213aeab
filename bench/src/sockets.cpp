#include "sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

namespace intragate::bench {
namespace {

constexpr int kBacklog = 4096;
constexpr rlim_t kWantedFiles = 131072;

sockaddr_in to_native(const Address& address) {
  sockaddr_in native{};
  native.sin_family = AF_INET;
  native.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &native.sin_addr);
  return native;
}

void set_option(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof on);
}

}  // namespace

Nanos now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<Nanos>(time.tv_sec) * 1'000'000'000 + static_cast<Nanos>(time.tv_nsec);
}

std::optional<Address> parse_address(const std::string& text) {
  Address address;
  const auto colon = text.rfind(':');
  if (colon != std::string::npos) address.host = text.substr(0, colon);
  const char* first = text.data() + (colon == std::string::npos ? 0 : colon + 1);
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, address.port);
  in_addr ignored{};
  const bool literal = inet_pton(AF_INET, address.host.c_str(), &ignored) == 1;
  if (error != std::errc{} || end != last || !literal) return std::nullopt;
  return address;
}

int listen_on(const Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_option(fd, SOL_SOCKET, SO_REUSEADDR);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit it
  const sockaddr_in native = to_native(address);
  const auto* generic = reinterpret_cast<const sockaddr*>(&native);
  if (bind(fd, generic, sizeof native) == 0 && listen(fd, kBacklog) == 0) return fd;
  close(fd);
  return -1;
}

std::uint16_t port_of(int fd) {
  sockaddr_in native{};
  socklen_t size = sizeof native;
  getsockname(fd, reinterpret_cast<sockaddr*>(&native), &size);
  return ntohs(native.sin_port);
}

int connect_to(const Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);
  const sockaddr_in native = to_native(address);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&native), sizeof native) == 0 || errno == EINPROGRESS) return fd;
  const int reason = errno;
  close(fd);
  errno = reason;
  return -1;
}

std::uint64_t raise_file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= kWantedFiles) return limit.rlim_cur;
  const rlimit wanted{kWantedFiles, std::max(kWantedFiles, limit.rlim_max)};
  const rlimit allowed{limit.rlim_max, limit.rlim_max};
  if (setrlimit(RLIMIT_NOFILE, &wanted) != 0) setrlimit(RLIMIT_NOFILE, &allowed);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace intragate::bench

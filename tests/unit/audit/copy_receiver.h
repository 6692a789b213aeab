// Where audit copies go in tests: a TCP port of the test's own, and the rule that names it.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "config/audit.h"

namespace intragate::audit {

class Receiver {
 public:
  Receiver() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Receiver() { ::close(fd_); }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void listen() { ASSERT_EQ(::listen(fd_, 8), 0); }
  [[nodiscard]] int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }
  // Reads until the text is there.
  static std::string read(int from, std::size_t size) {
    std::string got;
    char space[4096];
    while (got.size() < size) {
      const ssize_t n = ::recv(from, space, std::min(sizeof space, size - got.size()), 0);
      if (n <= 0) break;
      got.append(space, static_cast<std::size_t>(n));
    }
    return got;
  }

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

inline config::AuditCopy copy_to(const Receiver& receiver, std::uint64_t buffer = 1U << 20U) {
  config::AuditCopy copy;
  copy.to = "lines+tcp://127.0.0.1:" + std::to_string(receiver.port());
  copy.host = "127.0.0.1";
  copy.port = receiver.port();
  copy.form = config::AuditCopy::Form::lines;
  copy.buffer = buffer;
  return copy;
}

}  // namespace intragate::audit

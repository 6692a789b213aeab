// SocketAddress to and from the system's sockaddr. Included only by .cpp files of net/.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/address.h"

namespace intragate::net {

class Sockaddr {
 public:
  Sockaddr() = default;
  explicit Sockaddr(const SocketAddress& address) {
    const auto& bytes = address.ip.bytes();
    if (address.ip.is_v4()) {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&storage_);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(address.port);
      std::memcpy(&v4->sin_addr, bytes.data() + 12, 4);
      size_ = sizeof *v4;
    } else {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage_);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(address.port);
      std::memcpy(&v6->sin6_addr, bytes.data(), 16);
      size_ = sizeof *v6;
    }
  }

  [[nodiscard]] SocketAddress address() const {
    if (storage_.ss_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage_);
      std::array<std::uint8_t, 4> bytes{};
      std::memcpy(bytes.data(), &v4->sin_addr, 4);
      return {IpAddress::v4(bytes), ntohs(v4->sin_port)};
    }
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6->sin6_addr, 16);
    return {IpAddress::v6(bytes), ntohs(v6->sin6_port)};
  }

  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] sockaddr* data() { return reinterpret_cast<sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] socklen_t* size_out() { return &size_; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = sizeof(sockaddr_storage);
};

}  // namespace intragate::net

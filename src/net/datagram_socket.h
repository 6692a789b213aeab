// A UDP socket that sends to one address. Move-only; closes itself. Owner: whoever opened it. Thread: any one at a
// time. Does not: wait, receive.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "base/address.h"
#include "base/result.h"

namespace intragate::net {

class DatagramSocket {
 public:
  // Errors: upstream_unreachable.
  static Result<DatagramSocket> open(const SocketAddress& to);
  DatagramSocket(DatagramSocket&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  DatagramSocket& operator=(DatagramSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~DatagramSocket();

  // refused: an earlier one found nobody there; this one was not sent.
  enum class Sent : std::uint8_t { done, blocked, too_long, refused };
  Sent send(std::string_view message);
  // Whether one that was sent found nobody there, as far as has been heard; tells it once.
  [[nodiscard]] bool take_refusal();

 private:
  explicit DatagramSocket(int fd) : fd_{fd} {}
  int fd_;
};

}  // namespace intragate::net

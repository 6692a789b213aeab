// SHA-256, random secrets and constant-time comparison (OpenSSL behind it). Thread: any.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace intragate::net {

using Sha256 = std::array<std::uint8_t, 32>;

// One hash context per thread is reused (fetching the algorithm costs more than hashing a key).
[[nodiscard]] Sha256 sha256(std::string_view bytes);
// A hash over bytes that come in pieces. Owner: the caller; move-only. Thread: one.
class RunningSha256 {
 public:
  RunningSha256();
  RunningSha256(RunningSha256&&) noexcept;
  RunningSha256& operator=(RunningSha256&&) noexcept;
  ~RunningSha256();
  void add(std::string_view bytes);
  // Ends it. REQUIRES: not ended before.
  [[nodiscard]] Sha256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string hex(std::span<const std::uint8_t> bytes);
// The same into memory with room for twice as many characters.
void write_hex(char* to, std::span<const std::uint8_t> bytes);
[[nodiscard]] inline std::string sha256_hex(std::string_view bytes);

// `prefix` and 256 bits from the system's generator in base64url: a new API key.
[[nodiscard]] std::string random_secret(std::string_view prefix);

// Takes the same time wherever the first difference is. Different lengths are unequal.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

inline std::string sha256_hex(std::string_view bytes) {
  return hex(sha256(bytes));
}

}  // namespace intragate::net

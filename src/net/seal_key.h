// The key that signs checkpoints of the audit chain: Ed25519 (PEM), or any other secret for HMAC-SHA256. Owner: whoever
// parsed it; move-only. Thread: one at a time. Does not: show itself.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace intragate::net {

class SealKey {
 public:
  // A PEM private key (signs), a PEM public key (checks only), both Ed25519; anything else is a shared secret of at
  // least 32 bytes. Errors: invalid_configuration, without a byte of the key.
  static Result<SealKey> parse(std::string_view text);
  SealKey(SealKey&&) noexcept;
  SealKey& operator=(SealKey&&) noexcept;
  ~SealKey();

  [[nodiscard]] bool can_sign() const;
  [[nodiscard]] std::string_view algorithm() const;  // ed25519, hmac-sha256
  // Twelve hexadecimal digits that tell keys apart: of SHA-256 of the public key, or of HMAC over nothing.
  [[nodiscard]] std::string id() const;
  // In hexadecimal digits. REQUIRES: can_sign().
  [[nodiscard]] std::string sign(std::string_view message) const;
  [[nodiscard]] bool verify(std::string_view message, std::string_view signature) const;

 private:
  struct Inside;
  explicit SealKey(std::unique_ptr<Inside> inside);
  std::unique_ptr<Inside> inside_;
};

}  // namespace intragate::net

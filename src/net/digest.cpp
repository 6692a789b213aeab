#include "net/digest.h"

#include <memory>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

namespace intragate::net {
namespace {

constexpr const char* kNoSha256 = "SHA-256 is not available from OpenSSL";

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

EVP_MD* sha256_algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // lives as long as the process
  return algorithm;
}

}  // namespace

Sha256 sha256(std::string_view bytes) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
  Sha256 digest{};
  if (EVP_DigestInit_ex2(context.get(), sha256_algorithm(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
    throw std::runtime_error{kNoSha256};
  }
  return digest;
}

struct RunningSha256::State {
  std::unique_ptr<EVP_MD_CTX, FreeContext> context{EVP_MD_CTX_new()};
};

RunningSha256::RunningSha256() : state_{std::make_unique<State>()} {
  if (EVP_DigestInit_ex2(state_->context.get(), sha256_algorithm(), nullptr) != 1) throw std::runtime_error{kNoSha256};
}
RunningSha256::RunningSha256(RunningSha256&&) noexcept = default;
RunningSha256& RunningSha256::operator=(RunningSha256&&) noexcept = default;
RunningSha256::~RunningSha256() = default;

void RunningSha256::add(std::string_view bytes) {
  if (EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) != 1) throw std::runtime_error{kNoSha256};
}

Sha256 RunningSha256::finish() {
  Sha256 digest{};
  if (EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) != 1) throw std::runtime_error{kNoSha256};
  return digest;
}

void write_hex(char* to, std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    *to++ = kDigits[byte >> 4U];
    *to++ = kDigits[byte & 15U];
  }
}

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text(bytes.size() * 2, '\0');
  write_hex(text.data(), bytes);
  return text;
}

std::string random_secret(std::string_view prefix) {
  std::array<std::uint8_t, 33> bytes{};  // 33 bytes are 44 characters without padding
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error{"no random numbers from OpenSSL"};
  std::array<char, 45> text{};
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes.data(), static_cast<int>(bytes.size()));
  std::string secret{prefix};
  for (const char c : std::string_view{text.data(), 44}) secret.push_back(c == '+' ? '-' : c == '/' ? '_' : c);
  return secret;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace intragate::net

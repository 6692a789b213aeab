#include "net/seal_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <optional>
#include <stdexcept>

#include "base/text.h"
#include "net/digest.h"

namespace intragate::net {
namespace {

constexpr std::size_t kShortestSecret = 32;
constexpr std::size_t kSignature = 64;  // of Ed25519
constexpr std::size_t kIdBytes = 6;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_MD_CTX, Free>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Sha256 hmac(std::string_view secret, std::string_view message) {
  Sha256 out{};
  unsigned int size = out.size();
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(message), message.size(), out.data(),
           &size) == nullptr) {
    throw std::runtime_error{"HMAC is not available from OpenSSL"};
  }
  return out;
}

std::optional<std::array<unsigned char, kSignature>> signature_bytes(std::string_view digits) {
  std::array<unsigned char, kSignature> bytes{};
  if (digits.size() != 2 * bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int high = text::hex_value(digits[2 * i]);
    const int low = text::hex_value(digits[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes[i] = static_cast<unsigned char>(high * 16 + low);
  }
  return bytes;
}

// A key with a passphrase is refused: nobody is there to type it.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) {
  return -1;
}

}  // namespace

struct SealKey::Inside {
  Key key;  // none: `secret` counts
  bool is_private = false;
  std::string secret;
  ~Inside() { OPENSSL_cleanse(secret.data(), secret.size()); }
};

SealKey::SealKey(std::unique_ptr<Inside> inside) : inside_{std::move(inside)} {}
SealKey::SealKey(SealKey&&) noexcept = default;
SealKey& SealKey::operator=(SealKey&&) noexcept = default;
SealKey::~SealKey() = default;

Result<SealKey> SealKey::parse(std::string_view text) {
  auto inside = std::make_unique<Inside>();
  if (text.find("-----BEGIN ") != std::string_view::npos) {
    const std::unique_ptr<BIO, Free> bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
    inside->is_private = text.find("PRIVATE KEY-----") != std::string_view::npos;
    inside->key = Key{inside->is_private ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr)
                                         : PEM_read_bio_PUBKEY(bio.get(), nullptr, no_passphrase, nullptr)};
    if (!inside->key || EVP_PKEY_get_id(inside->key.get()) != EVP_PKEY_ED25519) {
      return make_error(Code::invalid_configuration,
                        "the PEM key must be Ed25519, without a passphrase (openssl genpkey -algorithm ed25519)");
    }
    return SealKey{std::move(inside)};
  }
  if (text.size() < kShortestSecret) {
    return make_error(Code::invalid_configuration,
                      "the secret is too short: at least 32 bytes (openssl rand -hex 32), or a PEM key of Ed25519");
  }
  inside->secret = text;
  return SealKey{std::move(inside)};
}

bool SealKey::can_sign() const {
  return !inside_->key || inside_->is_private;
}

std::string_view SealKey::algorithm() const {
  return inside_->key ? "ed25519" : "hmac-sha256";
}

std::string SealKey::id() const {
  Sha256 hash = {};
  if (inside_->key) {
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(inside_->key.get(), raw.data(), &size) != 1) return {};
    hash = sha256({reinterpret_cast<const char*>(raw.data()), size});
  } else {
    hash = hmac(inside_->secret, {});
  }
  return hex(std::span{hash}.first(kIdBytes));
}

std::string SealKey::sign(std::string_view message) const {
  if (!inside_->key) {
    const Sha256 mac = hmac(inside_->secret, message);
    return hex(mac);
  }
  const Context context{EVP_MD_CTX_new()};
  std::array<unsigned char, kSignature> signature{};
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, inside_->key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, bytes_of(message), message.size()) != 1) {
    throw std::runtime_error{"OpenSSL cannot sign with this key"};
  }
  return hex(std::span{signature}.first(size));
}

bool SealKey::verify(std::string_view message, std::string_view signature) const {
  if (!inside_->key) return equal_in_constant_time(sign(message), signature);
  const std::optional<std::array<unsigned char, kSignature>> raw = signature_bytes(signature);
  if (!raw) return false;
  const Context context{EVP_MD_CTX_new()};
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, inside_->key.get()) == 1 &&
         EVP_DigestVerify(context.get(), raw->data(), raw->size(), bytes_of(message), message.size()) == 1;
}

}  // namespace intragate::net

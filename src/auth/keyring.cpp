#include "auth/keyring.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/text.h"

namespace intragate::auth {
namespace {

constexpr std::size_t kKeyIdDigits = 12;

std::optional<Digest> digest_of(std::string_view hex) {
  Digest digest{};
  if (hex.size() != 2 * digest.size()) return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = text::hex_value(hex[2 * i]);
    const int low = text::hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    digest[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return digest;
}

}  // namespace

std::size_t Keyring::FirstBytes::operator()(const Digest& digest) const noexcept {
  std::size_t value = 0;
  std::memcpy(&value, digest.data(), sizeof(value));
  return value;
}

// All of it is compared before anything is decided: the barrier keeps the compiler from finding an earlier exit.
bool Keyring::SameTime::operator()(const Digest& a, const Digest& b) const noexcept {
  std::array<std::uint64_t, 4> left;
  std::array<std::uint64_t, 4> right;
  static_assert(sizeof left == sizeof a);
  std::memcpy(left.data(), a.data(), sizeof left);
  std::memcpy(right.data(), b.data(), sizeof right);
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < left.size(); ++i) difference |= left[i] ^ right[i];
  asm volatile("" : "+r"(difference));
  return difference == 0;
}

Principal principal_of(const config::Key& key) {
  Principal principal;
  principal.name = key.name;
  principal.key_id = text::lower(key.hash.substr(0, kKeyIdDigits));
  principal.allow = key.allow;
  for (const std::string& pattern : key.models) {
    const bool denies = pattern.starts_with(config::kDenies);
    (denies ? principal.denied : principal.models).push_back(pattern.substr(denies ? 1 : 0));
  }
  principal.apis = key.apis;
  principal.trust_user = key.trust_user;
  principal.stream_usage = key.stream_usage;
  principal.while_waiting = key.while_waiting;
  principal.expires = key.expires;
  return principal;
}

Result<Keyring> Keyring::make(const std::vector<config::Key>& keys) {
  Keyring ring;
  for (const config::Key& key : keys) {
    const std::optional<Digest> digest = digest_of(key.hash);
    if (!digest) {
      return make_error(Code::invalid_configuration,
                        "The hash of key " + text::quoted(key.name) + " is not 64 hexadecimal digits.");
    }
    const auto [holder, fresh] = ring.holders_.try_emplace(*digest, principal_of(key));
    if (!fresh) {
      return make_error(Code::invalid_configuration, "Keys " + text::quoted(holder->second.name) + " and " +
                                                         text::quoted(key.name) + " are the same key.");
    }
  }
  return ring;
}

const Principal* Keyring::find(const Digest& digest) const {
  const auto holder = holders_.find(digest);
  return holder == holders_.end() ? nullptr : &holder->second;
}

}  // namespace intragate::auth

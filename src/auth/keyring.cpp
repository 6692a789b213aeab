#include "auth/keyring.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string_view>

#include "auth/key_state.h"
#include "base/text.h"
#include "net/digest.h"

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

bool fits(const config::CertificateRule& rule, const net::Certificate& certificate) {
  const auto among = [](const std::vector<std::string>& names, const std::string& wanted) {
    return wanted.empty() || std::find(names.begin(), names.end(), wanted) != names.end();
  };
  return (rule.cn.empty() || rule.cn == certificate.common_name) && among(certificate.names, rule.san) &&
         among(certificate.uris, rule.spiffe);
}

void part(const std::vector<std::string>& patterns, std::vector<std::string>& allowed,
          std::vector<std::string>& denied) {
  for (const std::string& pattern : patterns) {
    const bool denies = pattern.starts_with(config::kDenies);
    (denies ? denied : allowed).push_back(pattern.substr(denies ? 1 : 0));
  }
}

Principal principal_of(const IssuedKey& issued, const config::KeyPolicy& policy) {
  const config::Key& key = issued.key;
  Principal principal;
  principal.name = key.name;
  principal.key_id = text::lower(key.hash.substr(0, kKeyIdDigits));
  principal.allow = key.allow;
  part(key.models, principal.models, principal.denied);
  part(key.apis, principal.apis, principal.denied_apis);
  principal.trust_user = key.trust_user;
  principal.stream_usage = key.stream_usage;
  principal.while_waiting = key.while_waiting;
  principal.created = key.created;
  principal.content = key.content;
  principal.expires = key.expires;
  principal.replaced_until = issued.replaced_until;
  principal.revoked = issued.revoked;
  std::optional<WallTime> too_old;
  if (policy.enforce) too_old = rotation_due(key.created, policy);
  for (const auto& end : {key.expires, issued.replaced_until, too_old}) {
    if (end && (!principal.ends || *end < *principal.ends)) principal.ends = end;
  }
  principal.certificate = key.certificate;
  principal.needs_both = key.require == config::Require::both;
  return principal;
}

// Its use is looked up among those of before, so that a reload forgets none.
Result<Unit> Keyring::add(const IssuedKey& key, const config::KeyPolicy& policy, const Keyring* before) {
  const std::optional<Digest> digest = digest_of(key.key.hash);
  if (!digest) {
    return make_error(Code::invalid_configuration,
                      "The hash of key " + text::quoted(key.key.name) + " is not 64 hexadecimal digits.");
  }
  const auto [holder, fresh] = holders_.try_emplace(*digest, principal_of(key, policy));
  if (!fresh) {
    return make_error(Code::invalid_configuration, "Keys " + text::quoted(holder->second.name) + " and " +
                                                       text::quoted(key.key.name) + " are the same key.");
  }
  const Principal* known = before == nullptr ? nullptr : before->find(*digest);
  holder->second.use = known == nullptr ? std::make_shared<KeyUse>() : known->use;
  return Unit{};
}

Result<Keyring> Keyring::make(const std::vector<config::Key>& keys, const std::vector<IssuedKey>& issued,
                              const config::KeyPolicy& policy, const Keyring* before) {
  Keyring ring;
  std::set<std::string_view> of_file;
  for (const config::Key& key : keys) {
    of_file.insert(key.name);
    if (key.certificate && key.require == config::Require::either) {
      ring.by_certificate_.push_back(principal_of({key, {}, false}, policy));
      ring.by_certificate_.back().use = std::make_shared<KeyUse>();
    }
    if (key.certificate && key.hash.empty()) continue;  // known by the certificate alone
    Result<Unit> added = ring.add({key, {}, false}, policy, before);
    if (!added) return std::move(added).error();
  }
  for (const IssuedKey& key : issued) {
    if (of_file.contains(key.key.name)) {
      return make_error(Code::invalid_configuration,
                        "The key name " + text::quoted(key.key.name) +
                            " is both in the configuration file and in the store (`intragate keys list`): choose "
                            "another one in the file.");
    }
    Result<Unit> added = ring.add(key, policy, before);
    if (!added) return std::move(added).error();
  }
  return ring;
}

std::vector<const Principal*> Keyring::newest() const {
  std::map<std::string_view, const Principal*> by_name;
  for (const auto& [digest, holder] : holders_) {
    if (!holder.revoked && !holder.replaced_until) by_name.emplace(holder.name, &holder);
  }
  std::vector<const Principal*> all;
  all.reserve(by_name.size());
  for (const auto& [name, holder] : by_name) all.push_back(holder);
  return all;
}

std::optional<WallTime> Keyring::last_used(const std::string& hash) const {
  const std::optional<Digest> digest = digest_of(hash);
  const Principal* holder = digest ? find(*digest) : nullptr;
  return holder == nullptr ? std::nullopt : holder->use->last();
}

std::vector<std::pair<std::string, WallTime>> Keyring::uses() const {
  std::vector<std::pair<std::string, WallTime>> all;
  for (const auto& [digest, holder] : holders_) {
    if (const std::optional<WallTime> last = holder.use->last()) all.emplace_back(net::hex(digest), *last);
  }
  std::sort(all.begin(), all.end());
  return all;
}

const Principal* Keyring::find(const net::Certificate& certificate) const {
  const auto holder = std::find_if(by_certificate_.begin(), by_certificate_.end(),
                                   [&](const Principal& p) { return fits(*p.certificate, certificate); });
  return holder == by_certificate_.end() ? nullptr : &*holder;
}

const Principal* Keyring::find(const Digest& digest) const {
  const auto holder = holders_.find(digest);
  return holder == holders_.end() ? nullptr : &holder->second;
}

}  // namespace intragate::auth

// Who holds which key or certificate. Keys are known by their SHA-256 only; the caller hashes what the client sent.
// Owner: the configuration snapshot, immutable once made. Thread: any.
// Does not: decide what a principal may do (rules.h), hash, read clocks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "config/config.h"
#include "net/certificate.h"

namespace intragate::auth {

using Digest = std::array<std::uint8_t, 32>;  // SHA-256 of a key

// When a key was last used, to the minute, so that the memory is written seldom. Shared by all loops and all keyrings
// that have the key.
class KeyUse {
 public:
  void note(WallTime now) {
    const std::int64_t minute = now.time_since_epoch() / std::chrono::minutes{1};
    if (minute_.load(std::memory_order_relaxed) < minute) minute_.store(minute, std::memory_order_relaxed);
  }
  // Nothing: not since the gateway began.
  [[nodiscard]] std::optional<WallTime> last() const {
    const std::int64_t minute = minute_.load(std::memory_order_relaxed);
    return minute == 0 ? std::nullopt : std::optional{WallTime{std::chrono::minutes{minute}}};
  }

 private:
  std::atomic<std::int64_t> minute_{0};
};

// One key's holder, as the configuration or the store describes it.
struct Principal {
  std::string name;
  std::string key_id;               // first 12 hex digits of the hash, for records and people
  AddressList allow;                // where the key may be used from
  std::vector<std::string> models;  // names, or patterns with *
  std::vector<std::string> denied;  // the same, of models that it may not use in spite of that
  std::vector<std::string> apis;    // llm::api_name(), or patterns with *
  std::vector<std::string> denied_apis;
  bool trust_user = false;  // may name its end users in `user`
  config::StreamUsage stream_usage = config::StreamUsage::asked;
  config::WhileWaiting while_waiting = config::WhileWaiting::comments;
  std::optional<config::Content> content;  // of its records, in place of audit.content
  std::optional<WallTime> created;         // nothing: unknown
  std::optional<WallTime> expires;         // as configured
  std::optional<WallTime> replaced_until;  // an old secret of a key that was rotated
  std::optional<WallTime> ends;            // from then on it is refused: the earliest of all that says so
  bool revoked = false;
  std::shared_ptr<KeyUse> use;
  std::optional<config::CertificateRule> certificate;  // which certificates are the principal's
  bool needs_both = false;                             // key and certificate
};

[[nodiscard]] bool fits(const config::CertificateRule& rule, const net::Certificate& certificate);

// A key that `intragate keys` made: described like those of the file, and what only these have.
struct IssuedKey {
  config::Key key;
  std::optional<WallTime> replaced_until;
  bool revoked = false;
};

[[nodiscard]] Principal principal_of(const IssuedKey& key, const config::KeyPolicy& policy = {});
[[nodiscard]] inline Principal principal_of(const config::Key& key) {
  return principal_of(IssuedKey{key, {}, false});
}

class Keyring {
 public:
  Keyring() = default;  // nobody
  // `keys` of the file and `issued` ones of the store; what `before` (may be null) knows of their use stays known.
  // Errors: invalid_configuration: a hash that is not 64 hex digits, or one that two keys share; a name that is both in
  // the file and in the store.
  static Result<Keyring> make(const std::vector<config::Key>& keys, const std::vector<IssuedKey>& issued = {},
                              const config::KeyPolicy& policy = {}, const Keyring* before = nullptr);

  // The holder of the key with this digest, expired or not; null: nobody. The final comparison takes the same time
  // wherever two digests differ. The pointer lives as long as the keyring.
  [[nodiscard]] const Principal* find(const Digest& digest) const;
  // The first, in the order of the configuration, whose certificate alone is enough, and is this one; null: nobody.
  [[nodiscard]] const Principal* find(const net::Certificate& certificate) const;
  [[nodiscard]] std::size_t size() const { return holders_.size(); }
  // One for each name, the secret that is to be used now; keys that were revoked are left out. In the order of names.
  [[nodiscard]] std::vector<const Principal*> newest() const;
  // By the hash, as 64 hex digits. Nothing: not used since the gateway began, or no such key.
  [[nodiscard]] std::optional<WallTime> last_used(const std::string& hash) const;
  // All that were used since, by their hashes in ascending order.
  [[nodiscard]] std::vector<std::pair<std::string, WallTime>> uses() const;

 private:
  // SHA-256 is as good a hash as any, so its first bytes place the key; nobody can aim at them.
  struct FirstBytes {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  struct SameTime {
    bool operator()(const Digest& a, const Digest& b) const noexcept;
  };
  Result<Unit> add(const IssuedKey& key, const config::KeyPolicy& policy, const Keyring* before);
  std::unordered_map<Digest, Principal, FirstBytes, SameTime> holders_;
  std::vector<Principal> by_certificate_;
};

}  // namespace intragate::auth

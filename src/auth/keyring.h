// Who holds which key. Keys are known by their SHA-256 only; the caller hashes what the client sent.
// Owner: the configuration snapshot, immutable once made. Thread: any.
// Does not: decide what a principal may do (rules.h), hash, read clocks.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "config/config.h"

namespace intragate::auth {

using Digest = std::array<std::uint8_t, 32>;  // SHA-256 of a key

// One key's holder, as the configuration describes it.
struct Principal {
  std::string name;
  std::string key_id;               // first 12 hex digits of the hash, for records and people
  AddressList allow;                // where the key may be used from
  std::vector<std::string> models;  // names, or patterns with *
  std::vector<std::string> denied;  // the same, of models that it may not use in spite of that
  std::vector<std::string> apis;    // llm::api_name(); "*": every one
  bool trust_user = false;          // may name its end users in `user`
  config::StreamUsage stream_usage = config::StreamUsage::asked;
  config::WhileWaiting while_waiting = config::WhileWaiting::comments;
  std::optional<WallTime> expires;
};

[[nodiscard]] Principal principal_of(const config::Key& key);

class Keyring {
 public:
  Keyring() = default;  // nobody
  // Errors: invalid_configuration: a hash that is not 64 hex digits, or one that two keys share.
  static Result<Keyring> make(const std::vector<config::Key>& keys);

  // The holder of the key with this digest, expired or not; null: nobody. The final comparison takes the same time
  // wherever two digests differ. The pointer lives as long as the keyring.
  [[nodiscard]] const Principal* find(const Digest& digest) const;
  [[nodiscard]] std::size_t size() const { return holders_.size(); }

 private:
  // SHA-256 is as good a hash as any, so its first bytes place the key; nobody can aim at them.
  struct FirstBytes {
    std::size_t operator()(const Digest& digest) const noexcept;
  };
  struct SameTime {
    bool operator()(const Digest& a, const Digest& b) const noexcept;
  };
  std::unordered_map<Digest, Principal, FirstBytes, SameTime> holders_;
};

}  // namespace intragate::auth

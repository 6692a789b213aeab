// `keys`, `key_policy` and `wrong_keys` of the configuration as typed data, every default beside its field. Owner: the
// Config. Thread: any. Does not: know keys that are not in the file (store/keys.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "config/secret.h"

namespace intragate::config {

enum class StreamUsage : std::uint8_t { asked, always };
// What clients get while their call waits for a slot: comments in a stream, or 100 Continue again and again.
enum class WhileWaiting : std::uint8_t { comments, interim };

// What a record holds of prompt and answer.
enum class Content : std::uint8_t { none, digest, redacted, full };

inline constexpr char kDenies = '!';  // before a pattern of Key::models and Key::apis

// Which certificates a principal's are; every part that is given must match, letter by letter.
struct CertificateRule {
  std::string cn;      // the common name
  std::string san;     // one of the alternative names: DNS name, mail address or IP address
  std::string spiffe;  // one of the alternative names: spiffe://…
  friend bool operator==(const CertificateRule&, const CertificateRule&) = default;
};

enum class Require : std::uint8_t { either, both };  // of key and certificate

struct Key {
  std::string name;
  std::string hash;  // 64 hex digits of SHA-256; made at load when `key:` gives the key itself
  Secret plain;  // only between loading and hashing; empty in a loaded configuration built through load.h with a hasher
  AddressList allow = AddressList::any();
  std::optional<CertificateRule> certificate;
  Require require = Require::either;
  std::vector<std::string> models{"*"};  // names, or patterns with *; behind kDenies: not these; an empty list: none
  std::vector<std::string> apis{"*"};    // llm::api_name(), by the same rules
  bool trust_user = false;
  StreamUsage stream_usage = StreamUsage::asked;
  WhileWaiting while_waiting = WhileWaiting::comments;
  std::optional<Content> content;   // in place of audit.content
  std::optional<WallTime> created;  // nothing: its age is unknown
  std::optional<WallTime> expires;
  friend bool operator==(const Key&, const Key&) = default;
};

// How old keys may become. It is about all whose age is known: those of the store, and those with `created`.
struct KeyPolicy {
  Duration max_age{};                           // 0: any
  Duration warn = std::chrono::hours{24 * 14};  // before that, and before a key expires
  bool enforce = false;                         // older keys are refused
  friend bool operator==(const KeyPolicy&, const KeyPolicy&) = default;
};

// What becomes of an address from which many different wrong keys come.
struct WrongKeys {
  std::uint32_t limit = 20;  // 0: nothing
  Duration window = std::chrono::minutes{1};
  Duration pause = std::chrono::minutes{1};
  AddressList except;
  friend bool operator==(const WrongKeys&, const WrongKeys&) = default;
};

}  // namespace intragate::config

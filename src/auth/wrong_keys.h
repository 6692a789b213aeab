// Whose guesses at keys have been too many: after `limit` different wrong keys from an address within `window` it is
// refused for `pause`, before anything is hashed. Different ones, because an application whose key is wrong sends the
// same again and again and must not shut out everybody who shares its address. IPv6 addresses count by their /64.
// A table of fixed size: with more addresses than it holds, the one that guessed least is forgotten.
// Owner: app, one for all loops. Thread: any; the mutex is taken for a wrong key, and for others only while some
// address is refused. Does not: read clocks, hash, log, count.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "auth/keyring.h"
#include "base/address.h"
#include "base/time.h"
#include "config/config.h"

namespace intragate::auth {

class WrongKeys {
 public:
  // `seed` places addresses in the table where nobody can aim at.
  explicit WrongKeys(std::uint64_t seed) : seed_{seed} {}

  // For how long the address is refused from now on; zero: it is not.
  [[nodiscard]] Duration refused(const IpAddress& address, TimePoint now);

  // known: one of those it tried last, or nobody counts its guesses; refused: with this one it has become too many.
  enum class Verdict : std::uint8_t { known, noted, refused };
  Verdict note(const IpAddress& address, const Digest& wrong, const config::WrongKeys& rule, TimePoint now);

 private:
  static constexpr std::size_t kSets = 512;
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kRemembered = 4;  // wrong keys that are known again
  struct Entry {
    std::array<std::uint8_t, 16> network{};
    TimePoint window_ends{};  // zero: never used
    TimePoint refused_until{};
    std::uint32_t guesses = 0;
    std::array<std::uint64_t, kRemembered> last{};
  };
  using Set = std::array<Entry, kWays>;
  Set& set_of(const std::array<std::uint8_t, 16>& network);
  static Entry* find(Set& set, const std::array<std::uint8_t, 16>& network);
  static Entry& find_or_make(Set& set, const std::array<std::uint8_t, 16>& network, TimePoint now);

  std::uint64_t seed_;
  std::atomic<std::int64_t> anybody_until_{INT64_MIN};  // when the last refusal that was ever made ends
  std::mutex mutex_;                                    // guards the table
  std::vector<Set> sets_;                               // made with the first wrong key
};

}  // namespace intragate::auth

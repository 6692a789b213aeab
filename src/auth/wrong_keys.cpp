#include "auth/wrong_keys.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "auth/network.h"
#include "base/hash.h"

namespace intragate::auth {
namespace {

std::uint64_t first_bytes(const Digest& digest) {
  std::uint64_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value | 1U;  // never the zero of an empty place
}

}  // namespace

WrongKeys::Set& WrongKeys::set_of(const Network& network) {
  const std::string_view bytes{reinterpret_cast<const char*>(network.data()), network.size()};
  return sets_[hash_of(bytes, seed_) % kSets];
}

WrongKeys::Entry* WrongKeys::find(Set& set, const Network& network) {
  const auto found = std::find_if(set.begin(), set.end(), [&](const Entry& entry) {
    return entry.network == network && entry.window_ends != TimePoint{};
  });
  return found == set.end() ? nullptr : &*found;
}

// A crowd that guesses once from each of its addresses takes nobody's place who guessed more.
WrongKeys::Entry& WrongKeys::find_or_make(Set& set, const Network& network, TimePoint now) {
  if (Entry* known = find(set, network)) return *known;
  const auto weight = [now](const Entry& entry) -> std::uint32_t {
    if (now < entry.refused_until) return UINT32_MAX;
    return now < entry.window_ends ? entry.guesses : 0;
  };
  Entry& least = *std::min_element(set.begin(), set.end(), [&](const Entry& a, const Entry& b) {
    return std::pair{weight(a), a.window_ends} < std::pair{weight(b), b.window_ends};
  });
  least = Entry{};
  least.network = network;
  return least;
}

Duration WrongKeys::refused(const IpAddress& address, TimePoint now) {
  if (now.time_since_epoch().count() >= anybody_until_.load(std::memory_order_relaxed)) return Duration::zero();
  const Network network = network_of(address);
  const std::lock_guard lock{mutex_};
  const Entry* entry = find(set_of(network), network);
  return entry == nullptr ? Duration::zero() : std::max(entry->refused_until - now, Duration::zero());
}

WrongKeys::Verdict WrongKeys::note(const IpAddress& address, const Digest& wrong, const config::WrongKeys& rule,
                                   TimePoint now) {
  if (rule.limit == 0 || rule.except.contains(address)) return Verdict::known;
  const Network network = network_of(address);
  const std::uint64_t key = first_bytes(wrong);
  const std::lock_guard lock{mutex_};
  if (sets_.empty()) sets_.resize(kSets);
  Entry& entry = find_or_make(set_of(network), network, now);
  if (now >= entry.window_ends) {
    entry.guesses = 0;
    entry.window_ends = now + rule.window;
  }
  if (std::find(entry.last.begin(), entry.last.end(), key) != entry.last.end()) return Verdict::known;
  entry.last[entry.guesses % kRemembered] = key;
  if (++entry.guesses < rule.limit) return Verdict::noted;
  entry.guesses = 0;
  entry.window_ends = now + rule.window;
  entry.refused_until = now + rule.pause;
  anybody_until_.store(std::max(anybody_until_.load(std::memory_order_relaxed),
                                static_cast<std::int64_t>(entry.refused_until.time_since_epoch().count())),
                       std::memory_order_relaxed);
  return Verdict::refused;
}

}  // namespace intragate::auth

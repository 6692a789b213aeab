// Which connections that were not let in get a record of their own: the first of a minute from an address, and of all
// addresses together. The others are counted, and make one record when the minute is over, so that a crowd of strangers
// costs a few records and fills no disk. IPv6 addresses count by their /64. A table of fixed size.
// Owner: app, one for all loops. Thread: any; the mutex is taken for connections that are refused only.
// Does not: read clocks, write records.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "auth/network.h"
#include "base/time.h"

namespace intragate::auth {

class TurnedAway {
 public:
  static constexpr std::uint64_t kOfOneAddress = 30;  // records of their own in a minute
  static constexpr std::uint64_t kOfAll = 300;
  static constexpr std::size_t kAddresses = 1024;  // that are told apart
  static constexpr std::size_t kNamed = 16;        // of a minute, those with most

  // Those without a record of their own.
  struct Rest {
    struct Source {
      IpAddress address;  // the first of its /64
      std::uint64_t connections = 0;
    };
    std::uint64_t connections = 0;
    std::vector<Source> sources;  // those that came most often first
  };

  // Whether this one gets a record of its own; otherwise it is counted.
  [[nodiscard]] bool note(const IpAddress& address, TimePoint now);
  // Once, when their minute is over. Nothing: there are none.
  [[nodiscard]] std::optional<Rest> take(TimePoint now);
  // At the end: what there is.
  [[nodiscard]] std::optional<Rest> take_all();

 private:
  struct Entry {
    IpAddress address;
    std::uint64_t recorded = 0;
    std::uint64_t counted = 0;
  };
  std::optional<Rest> end_minute();

  std::mutex mutex_;  // guards all
  TimePoint ends_{};  // the minute's
  std::map<Network, Entry> entries_;
  std::uint64_t recorded_ = 0;
  std::uint64_t counted_ = 0;
};

// {"connections":1234,"addresses":[{"address":"10.0.0.7","connections":1200}]}, for the record.
[[nodiscard]] std::string rest_json(const TurnedAway::Rest& rest);

}  // namespace intragate::auth

#include "auth/turned_away.h"

#include "base/json_write.h"

namespace intragate::auth {
namespace {

constexpr Duration kMinute = std::chrono::minutes{1};

}  // namespace

bool TurnedAway::note(const IpAddress& address, TimePoint now) {
  const std::lock_guard lock{mutex_};
  if (now >= ends_ && counted_ == 0) {  // what was counted waits for take()
    (void)end_minute();
    ends_ = now + kMinute;
  }
  const Network network = network_of(address);
  auto entry = entries_.find(network);
  if (entry == entries_.end() && entries_.size() < kAddresses) {
    entry = entries_.emplace(network, Entry{.address = address}).first;
  }
  const bool known = entry != entries_.end();
  const bool own = recorded_ < kOfAll && known && entry->second.recorded < kOfOneAddress;
  ++(own ? recorded_ : counted_);
  if (known) ++(own ? entry->second.recorded : entry->second.counted);
  return own;
}

std::optional<TurnedAway::Rest> TurnedAway::take(TimePoint now) {
  const std::lock_guard lock{mutex_};
  return now < ends_ ? std::nullopt : end_minute();
}

std::optional<TurnedAway::Rest> TurnedAway::take_all() {
  const std::lock_guard lock{mutex_};
  return end_minute();
}

std::optional<TurnedAway::Rest> TurnedAway::end_minute() {
  std::optional<Rest> rest;
  if (counted_ > 0) {
    rest.emplace().connections = counted_;
    for (const auto& [network, entry] : entries_) {
      if (entry.counted > 0) rest->sources.push_back({entry.address, entry.counted});
    }
    std::sort(rest->sources.begin(), rest->sources.end(),
              [](const Rest::Source& a, const Rest::Source& b) { return a.connections > b.connections; });
    if (rest->sources.size() > kNamed) rest->sources.resize(kNamed);
  }
  entries_.clear();
  recorded_ = counted_ = 0;
  ends_ = {};
  return rest;
}

std::string rest_json(const TurnedAway::Rest& rest) {
  std::string detail;
  json::Writer writer{detail};
  writer.open_object().number("connections", static_cast<std::int64_t>(rest.connections)).open_array("addresses");
  for (const TurnedAway::Rest::Source& source : rest.sources) {
    writer.open_object()
        .text("address", source.address.text())
        .number("connections", static_cast<std::int64_t>(source.connections))
        .close_object();
  }
  writer.close_array().close_object();
  return detail;
}

}  // namespace intragate::auth

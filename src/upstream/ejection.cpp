#include "upstream/ejection.h"

#include <algorithm>
#include <vector>

namespace intragate::upstream {
namespace {

bool comparable(const Peer& peer, const config::Health& rules) {
  return peer.state == BreakerState::closed && peer.rates.calls >= rules.min_calls;
}

// The error rates of all comparable peers but one.
std::vector<std::uint32_t> rates_of_others(std::span<const Peer> peers, std::size_t but, const config::Health& rules) {
  std::vector<std::uint32_t> percents;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (i != but && comparable(peers[i], rules)) percents.push_back(peers[i].rates.error_percent());
  }
  return percents;
}

std::uint32_t median(std::vector<std::uint32_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

bool is_outlier(std::span<const Peer> peers, std::size_t which, const config::Health& rules) {
  if (!comparable(peers[which], rules)) return false;
  const auto out = static_cast<std::size_t>(
      std::count_if(peers.begin(), peers.end(), [](const Peer& peer) { return peer.state != BreakerState::closed; }));
  if ((out + 1) * 2 > peers.size()) return false;
  std::vector<std::uint32_t> others = rates_of_others(peers, which, rules);
  if (others.size() + 1 < kFewestPeers) return false;
  return peers[which].rates.error_percent() >= median(std::move(others)) + rules.outlier_percent;
}

}  // namespace intragate::upstream

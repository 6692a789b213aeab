#include "qos/ejection.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace intragate::qos {
namespace {

bool comparable(const EndpointView& endpoint, const EjectionRules& rules) {
  return endpoint.state == BreakerState::closed && endpoint.rates.calls >= rules.min_calls;
}

// The error rate in the middle of all comparable endpoints but one.
std::uint32_t median_of_others(std::span<const EndpointView> endpoints, std::size_t but, const EjectionRules& rules) {
  std::vector<std::uint32_t> percents;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    if (i != but && comparable(endpoints[i], rules)) percents.push_back(endpoints[i].rates.error_percent());
  }
  const auto middle = percents.begin() + static_cast<std::ptrdiff_t>(percents.size() / 2);
  std::nth_element(percents.begin(), middle, percents.end());
  return *middle;
}

std::vector<std::size_t> outliers(std::span<const EndpointView> endpoints, const EjectionRules& rules) {
  std::vector<std::size_t> found;
  const auto count = std::count_if(endpoints.begin(), endpoints.end(),
                                   [&](const EndpointView& endpoint) { return comparable(endpoint, rules); });
  if (count < 3) return found;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    if (!comparable(endpoints[i], rules)) continue;
    if (endpoints[i].rates.error_percent() >= median_of_others(endpoints, i, rules) + rules.outlier_margin)
      found.push_back(i);
  }
  std::stable_sort(found.begin(), found.end(), [&](std::size_t a, std::size_t b) {
    return endpoints[a].rates.error_percent() > endpoints[b].rates.error_percent();
  });
  return found;
}

}  // namespace

void decide_parts(std::span<const EndpointView> endpoints, const EjectionRules& rules, std::span<Part> parts) {
  std::size_t left = endpoints.size();
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    parts[i] = endpoints[i].state == BreakerState::open ? Part::ejected : Part::takes;
    if (parts[i] == Part::ejected) --left;
  }
  if (left == 0 || left * 100 < endpoints.size() * rules.panic_percent) {
    std::fill(parts.begin(), parts.end(), Part::panic);
    return;
  }
  const std::size_t floor = endpoints.size() - endpoints.size() * std::min(rules.max_ejected_percent, 100U) / 100;
  for (const std::size_t i : outliers(endpoints, rules)) {
    if (left <= std::max<std::size_t>(floor, 1)) break;
    parts[i] = Part::ejected;
    --left;
  }
}

}  // namespace intragate::qos

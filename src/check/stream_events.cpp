#include "check/stream_events.h"

#include <algorithm>

namespace intragate::check {

StreamShape shape_of(std::string_view body) {
  constexpr std::string_view kBlank = "\n\n";
  StreamShape shape;
  shape.carriage_return = body.find('\r') != std::string_view::npos;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find(kBlank, at), body.size());
    std::string_view block = body.substr(at, end - at);
    at = std::min(end + kBlank.size(), body.size());
    while (block.starts_with('\n')) block.remove_prefix(1);
    if (block.empty()) continue;
    const bool one_line = block.find('\n') == std::string_view::npos;
    if (block.starts_with("data:") && one_line) {
      block.remove_prefix(5);
      if (block.starts_with(' ')) block.remove_prefix(1);
      shape.events.push_back({block, at});
    } else if ((!block.starts_with(':') || !one_line) && shape.stray.empty()) {
      shape.stray = block;
    }
  }
  shape.done = !shape.events.empty() && shape.events.back().data == "[DONE]";
  return shape;
}

Pace pace_of(const StreamShape& shape, const std::vector<Arrival>& arrivals) {
  Pace pace;
  std::size_t next = 0;
  for (const Arrival& arrival : arrivals) {
    std::size_t count = 0;
    for (; next < shape.events.size() && shape.events[next].ends <= arrival.size; ++next) ++count;
    pace.largest = std::max(pace.largest, count);
    if (count > 0) ++pace.reads;
  }
  return pace;
}

}  // namespace intragate::check

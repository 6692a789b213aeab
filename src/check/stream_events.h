// A recorded stream cut into what Dify's client sees: it splits at blank lines, and takes each block for one event.
// Pure. Owner: the caller; views point into the body.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "check/answer.h"

namespace intragate::check {

struct StreamEvent {
  std::string_view data;  // JSON, or [DONE]
  std::size_t ends = 0;   // where in the body
};
struct StreamShape {
  std::vector<StreamEvent> events{};  // with data, in order
  std::string_view stray{};           // the first block that is neither data nor a comment alone
  bool carriage_return = false;
  bool done = false;  // the last event is [DONE]
};
[[nodiscard]] StreamShape shape_of(std::string_view body);
// The most events that came with one read, and how many reads brought any.
struct Pace {
  std::size_t largest = 0;
  std::size_t reads = 0;
};
[[nodiscard]] Pace pace_of(const StreamShape& shape, const std::vector<Arrival>& arrivals);

}  // namespace intragate::check

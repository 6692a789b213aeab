// Recognises the events of a stream that are like one already inspected in every byte but the text they bring: nearly
// all of them. Comparing costs a tenth of inspecting. Owner: one stream. Thread: one. Does not: guess. Bytes before and
// behind the text are the same and the text is one JSON string, so the event means the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dialect/openai.h"

namespace intragate::dialect {

class EventShape {
 public:
  // True: inspect_event would say of `data` what it said of the event that was learned, but for the text.
  [[nodiscard]] bool fits(std::string_view data) const;
  // `facts` are those of `data`. Learns it if it brings text and nothing else that the gateway looks for; gives up
  // after some events of ever new shapes.
  void learn(std::string_view data, const openai::EventFacts& facts);

 private:
  std::string around_;      // the learned event without its text: what stands before, then what stands behind
  std::size_t before_ = 0;  // bytes of around_ up to the opening quote, inclusive; 0: nothing learned
  std::uint8_t learned_ = 0;
};

}  // namespace intragate::dialect

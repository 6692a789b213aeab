// One JSON object, as a model sends thousands: recognises the others, which are like it in every byte but their texts
// and numbers. Comparing costs a tenth of reading. Owner: known_answers.h, known_events.h. Thread: any; immutable. Does
// not: guess. Where a text was, there is one of at least one byte (an empty one is the same everywhere); where a number
// was, a number; `object` says the same. So whoever looks at names, kinds and emptiness sees the same in both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace intragate::dialect {

class JsonShape {
 public:
  // Nothing: it is too large, has names with escapes, calls tools, or counts its tokens twice.
  [[nodiscard]] static std::optional<JsonShape> of(std::string_view json);

  // Of the top level's `usage`.
  struct Counts {
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
  };
  // Nothing: it has another shape. Zeros where this shape has no counts.
  [[nodiscard]] std::optional<Counts> fits(std::string_view json) const;
  // Whether objects of this shape have both counts.
  [[nodiscard]] bool counts() const { return counts_; }

 private:
  enum class Slot : std::uint8_t { text, number, prompt_tokens, completion_tokens };
  // Bytes that are always the same, and what follows them. A text's opening quote is one of them.
  struct Part {
    std::uint16_t fixed = 0;
    Slot slot = Slot::text;
  };
  class Reader;

  std::string fixed_;  // of all parts, then what follows the last slot
  std::vector<Part> parts_;
  bool counts_ = false;
};

}  // namespace intragate::dialect

// Whether a JSON object that comes in pieces has come to its end. Owner: whoever gets the pieces. Thread: any (pure).
// Does not: check the text beyond its brackets and strings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace intragate::dialect {

class JsonEnd {
 public:
  void take(std::string_view text) {
    for (const char byte : text) take(byte);
  }
  // Takes no more than up to the end; returns how many bytes those are.
  std::size_t take_to_end(std::string_view text) {
    std::size_t taken = 0;
    while (taken < text.size() && !reached_) take(text[taken++]);
    return taken;
  }
  [[nodiscard]] bool inside() const { return depth_ > 0; }
  [[nodiscard]] bool reached() const { return reached_; }

 private:
  void take(char byte) {
    if (in_string_) {
      in_string_ = escaped_ || byte != '"';
      escaped_ = !escaped_ && byte == '\\';
      return;
    }
    in_string_ = byte == '"';
    if (byte == '{' || byte == '[') ++depth_;
    if (byte == '}' || byte == ']') reached_ = --depth_ <= 0;
  }

  std::int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool reached_ = false;
};

}  // namespace intragate::dialect

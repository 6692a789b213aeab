// Whether a JSON object that comes in pieces has come to its end. Owner: whoever gets the pieces. Thread: any (pure).
// Does not: check the text beyond its brackets and strings.
#pragma once

#include <cstdint>
#include <string_view>

namespace intragate::dialect {

class JsonEnd {
 public:
  void take(std::string_view text) {
    for (const char byte : text) {
      if (in_string_) {
        in_string_ = escaped_ || byte != '"';
        escaped_ = !escaped_ && byte == '\\';
        continue;
      }
      in_string_ = byte == '"';
      if (byte == '{' || byte == '[') ++depth_;
      if (byte == '}' || byte == ']') reached_ = --depth_ <= 0;
    }
  }
  [[nodiscard]] bool reached() const { return reached_; }

 private:
  std::int64_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool reached_ = false;
};

}  // namespace intragate::dialect

// Writes text into memory that its user has made large enough: for lines that every call writes. Owner: the caller.
// Thread: any. Does not: know where the memory ends.
#pragma once

#include <charconv>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace intragate {

class RawWriter {
 public:
  static constexpr std::size_t kLongestNumber = 20;              // digits
  static constexpr std::size_t kLongestMs = kLongestNumber + 4;  // milliseconds with three decimals

  explicit RawWriter(char* at) : at_{at} {}
  [[nodiscard]] char* end() const { return at_; }

  void raw(std::string_view text) { at_ += text.copy(at_, text.size()); }
  void byte(char c) { *at_++ = c; }
  void number(std::uint64_t value) {
    if (value < 10) return byte(static_cast<char>('0' + value));
    at_ = std::to_chars(at_, at_ + kLongestNumber, value).ptr;
  }
  // Negative ones are 0.
  void milliseconds(Duration value) {
    const auto us = value < Duration::zero() ? 0 : static_cast<std::uint64_t>(value.count()) / 1000;
    number(us / 1000);
    const auto rest = static_cast<unsigned>(us % 1000);
    byte('.');
    byte(static_cast<char>('0' + rest / 100));
    byte(static_cast<char>('0' + rest / 10 % 10));
    byte(static_cast<char>('0' + rest % 10));
  }
  // What else was written up to here.
  void went_to(char* at) { at_ = at; }

 private:
  char* at_;
};

}  // namespace intragate

#include "base/json_utf8.h"

namespace intragate::json {
namespace {

struct Lead {
  std::size_t length = 0;           // of the whole sequence; 0: no sequence begins so
  unsigned char second_low = 0x80;  // range of the second byte; all later ones are 80…BF
  unsigned char second_high = 0xBF;
};

Lead lead(unsigned char first) {
  if (first < 0x80) return {.length = 1};
  if (first < 0xC2) return {};
  if (first < 0xE0) return {.length = 2};
  if (first == 0xE0) return {.length = 3, .second_low = 0xA0};
  if (first == 0xED) return {.length = 3, .second_high = 0x9F};
  if (first < 0xF0) return {.length = 3};
  if (first == 0xF0) return {.length = 4, .second_low = 0x90};
  if (first < 0xF4) return {.length = 4};
  if (first == 0xF4) return {.length = 4, .second_high = 0x8F};
  return {};
}

}  // namespace

Utf8Piece utf8_piece(std::string_view text, std::size_t at) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const bool common = byte(at) >= 0xE1 && byte(at) <= 0xEC && text.size() - at >= 3;  // nearly all of Chinese
  if (common && follows(at + 1) && follows(at + 2)) return {.length = 3, .valid = true};
  const Lead kind = lead(byte(at));
  if (kind.length <= 1) return {.length = 1, .valid = kind.length == 1};
  for (std::size_t i = 1; i < kind.length; ++i) {
    if (at + i >= text.size()) return {.length = i, .valid = false};
    const unsigned char low = i == 1 ? kind.second_low : 0x80;
    const unsigned char high = i == 1 ? kind.second_high : 0xBF;
    if (byte(at + i) < low || byte(at + i) > high) return {.length = i, .valid = false};
  }
  return {.length = kind.length, .valid = true};
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  const auto tail = [code_point](int shift) { return static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += {static_cast<char>(0xC0 | (code_point >> 6)), tail(0)};
  } else if (code_point < 0x10000) {
    out += {static_cast<char>(0xE0 | (code_point >> 12)), tail(6), tail(0)};
  } else {
    out += {static_cast<char>(0xF0 | (code_point >> 18)), tail(12), tail(6), tail(0)};
  }
}

}  // namespace intragate::json

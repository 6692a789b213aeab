#include "base/json_write.h"

#include <array>
#include <cassert>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/json_utf8.h"
#include "base/json_word.h"

namespace intragate::json {
namespace {

constexpr bool is_clean(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

// Offset of the first byte from `at` on that cannot simply be copied or is not ASCII: eight bytes at a time.
std::size_t skip_clean(std::string_view text, std::size_t at) {
  while (text.size() - at >= sizeof(Word)) {
    const Word word = load_word(text.data() + at);
    const Word marks = mark_special(word) | mark_equal(word, 0x7F) | (word & kHighBits);
    if (marks != 0) return at + bytes_before(marks);
    at += sizeof(Word);
  }
  while (at < text.size() && is_clean(text[at])) ++at;
  return at;
}

void append_hex_escape(std::string& out, unsigned code_point) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[(code_point >> shift) & 0xF];
}

void append_ascii_escape(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: append_hex_escape(out, static_cast<unsigned char>(c));
  }
}

// The code point at `at` if it is a valid one beyond ASCII that some readers take for the end of a line or for a
// command to a terminal (U+0080 … U+009F, U+2028, U+2029); 0 for all others.
unsigned line_breaker(std::string_view text, std::size_t at) {
  const auto byte = [text, at](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (byte(0) == 0xC2) return byte(1) < 0xA0 ? byte(1) : 0;
  if (byte(0) != 0xE2 || byte(1) != 0x80) return 0;
  return byte(2) == 0xA8 || byte(2) == 0xA9 ? 0x2000U + (byte(2) & 0x3FU) : 0;
}

// Bytes of the character at `at` if it is beyond ASCII and can be copied as it is; 0: it cannot.
std::size_t copyable(std::string_view text, std::size_t at) {
  if (static_cast<unsigned char>(text[at]) < 0x80) return 0;
  const Utf8Piece piece = utf8_piece(text, at);
  return piece.valid && line_breaker(text, at) == 0 ? piece.length : 0;
}

// Appends what stands for the character at `at`, which cannot be copied as it is, and returns how many bytes that one
// has.
std::size_t append_instead(std::string& out, std::string_view text, std::size_t at) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
  if (static_cast<unsigned char>(text[at]) < 0x80) {
    append_ascii_escape(out, text[at]);
    return 1;
  }
  const Utf8Piece piece = utf8_piece(text, at);
  if (piece.valid) {
    append_hex_escape(out, line_breaker(text, at));
  } else {
    out += kReplacement;
  }
  return piece.length;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t copied = 0;  // text[copied, at) is good as it stands and still to be copied
  for (std::size_t at = skip_clean(text, 0); at < text.size(); at = skip_clean(text, at)) {
    const std::size_t length = copyable(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    out.append(text, copied, at - copied);
    at += append_instead(out, text, at);
    copied = at;
  }
  out.append(text, copied);
  out += '"';
}

char* write_string(char* to, std::string_view text) {
  if (skip_clean(text, 0) == text.size()) {
    *to++ = '"';
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
    *to++ = '"';
    return to;
  }
  std::string escaped;
  append_string(escaped, text);
  std::memcpy(to, escaped.data(), escaped.size());
  return to + escaped.size();
}

void Writer::open(char bracket) {
  assert(depth_ < kDeepest);
  out_ += bracket;
  first_ = true;
  arrays_ = (arrays_ << 1) | (bracket == '[' ? 1U : 0U);
  ++depth_;
}

void Writer::close(char bracket) {
  assert(depth_ > 0 && (arrays_ & 1U) == (bracket == ']' ? 1U : 0U));
  out_ += bracket;
  first_ = false;
  arrays_ >>= 1;
  --depth_;
}

void Writer::comma() {
  if (!first_) out_ += ',';
  first_ = false;
}

void Writer::name(std::string_view key) {
  comma();
  append_string(out_, key);
  out_ += ':';
}

Writer& Writer::open_object() {
  comma();
  open('{');
  return *this;
}

Writer& Writer::open_object(std::string_view key) {
  name(key);
  open('{');
  return *this;
}

Writer& Writer::close_object() {
  close('}');
  return *this;
}

Writer& Writer::open_array(std::string_view key) {
  name(key);
  open('[');
  return *this;
}

Writer& Writer::close_array() {
  close(']');
  return *this;
}

Writer& Writer::text(std::string_view key, std::string_view value) {
  name(key);
  append_string(out_, value);
  return *this;
}

Writer& Writer::number(std::string_view key, std::int64_t value) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return raw(key, {digits.data(), end});
}

Writer& Writer::number(std::string_view key, double value, int decimals) {
  assert(decimals >= 0 && decimals <= 9);
  if (!std::isfinite(value)) return null(key);
  std::array<char, 330> digits;  // 309 before the point, 9 behind it
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals).ptr;
  return raw(key, {digits.data(), end});
}

Writer& Writer::flag(std::string_view key, bool value) {
  return raw(key, value ? "true" : "false");
}

Writer& Writer::null(std::string_view key) {
  return raw(key, "null");
}

Writer& Writer::raw(std::string_view key, std::string_view json) {
  name(key);
  out_ += json;
  return *this;
}

Writer& Writer::element(std::string_view value) {
  comma();
  append_string(out_, value);
  return *this;
}

}  // namespace intragate::json

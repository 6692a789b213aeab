#include "jinja/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/text.h"

namespace intragate::jinja {
namespace {

// `count` hexadecimal digits at `at`; false when there are fewer.
bool read_hex(std::string_view text, std::size_t at, std::size_t count, char32_t& point) {
  if (at + count > text.size()) return false;
  point = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    const int digit = text::hex_value(text[i]);
    if (digit < 0) return false;
    point = point * 16 + static_cast<char32_t>(digit);
  }
  return point <= 0x10FFFF;
}

char simple_escape(char c) {
  switch (c) {
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'v': return '\v';
    case '\\':
    case '\'':
    case '"': return c;
    default: return 0;
  }
}

// The escape behind a backslash; returns how many bytes it has, 0 when it is none.
std::size_t append_escape(std::string& out, std::string_view text) {
  const char c = text.front();
  if (c == '\n') return 1;
  if (const char plain = simple_escape(c); plain != 0) {
    out += plain;
    return 1;
  }
  char32_t point = 0;
  const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits != 0 && read_hex(text, 1, digits, point)) {
    append_utf8(out, point);
    return 1 + digits;
  }
  std::size_t octal = 0;
  for (; octal < 3 && octal < text.size() && text[octal] >= '0' && text[octal] <= '7'; ++octal) {
    point = point * 8 + static_cast<char32_t>(text[octal] - '0');
  }
  if (octal != 0) append_utf8(out, point);
  return octal;
}

bool is_letter(char32_t point) {
  return upper(point) != point || lower(point) != point;
}

}  // namespace

std::string python_literal(std::string_view quoted) {
  std::string out;
  out.reserve(quoted.size());
  while (!quoted.empty()) {
    const char c = quoted.front();
    quoted.remove_prefix(1);
    if (c == '\\' && !quoted.empty()) {
      const std::size_t taken = append_escape(out, quoted);
      if (taken != 0) {
        quoted.remove_prefix(taken);
        continue;
      }
    }
    out += c;
  }
  return out;
}

void append_utf8(std::string& out, char32_t point) {
  const auto byte = [&out](char32_t bits) { out += static_cast<char>(bits); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | (point >> 6));
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | (point >> 12));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | (point >> 18));
    byte(0x80 | ((point >> 12) & 0x3F));
    byte(0x80 | ((point >> 6) & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80) return {.point = lead, .size = 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 1;
  if (size == 1 || size > text.size() || lead > 0xF4) return {.point = 0xDC00U + lead, .size = 1};
  char32_t point = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0U) != 0x80U) return {.point = 0xDC00U + lead, .size = 1};
    point = (point << 6) | (next & 0x3FU);
  }
  return {.point = point, .size = size};
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += first_character(text.substr(at)).size) ++count;
  return count;
}

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t size = first_character(text).size;
    out.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return out;
}

bool is_space(char32_t point) {
  return (point >= 0x09 && point <= 0x0D) || (point >= 0x1C && point <= 0x20) || point == 0x85 || point == 0xA0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200A) || point == 0x2028 || point == 0x2029 ||
         point == 0x202F || point == 0x205F || point == 0x3000;
}

char32_t upper(char32_t point) {
  if (point < 0x80) return point >= 'a' && point <= 'z' ? point - 32 : point;
  if ((point >= 0xE0 && point <= 0xFE && point != 0xF7) || (point >= 0x3B1 && point <= 0x3C9 && point != 0x3C2) ||
      (point >= 0x430 && point <= 0x44F)) {
    return point - 32;
  }
  if (point == 0x3C2) return 0x3A3;
  if (point >= 0x450 && point <= 0x45F) return point - 80;
  return point;
}

char32_t lower(char32_t point) {
  if (point < 0x80) return point >= 'A' && point <= 'Z' ? point + 32 : point;
  if ((point >= 0xC0 && point <= 0xDE && point != 0xD7) || (point >= 0x391 && point <= 0x3A9 && point != 0x3A2) ||
      (point >= 0x410 && point <= 0x42F)) {
    return point + 32;
  }
  if (point >= 0x400 && point <= 0x40F) return point + 80;
  return point;
}

namespace {

enum class Case : std::uint8_t { upper, lower, first, each };

std::string with_case(std::string_view text, Case how) {
  std::string out;
  out.reserve(text.size());
  bool begins = true;  // of the text, or of a word
  while (!text.empty()) {
    const Character c = first_character(text);
    const bool up = how == Case::upper || (how != Case::lower && begins);
    const char32_t changed = up ? upper(c.point) : lower(c.point);
    if (changed == c.point) {
      out += text.substr(0, c.size);
    } else {
      append_utf8(out, changed);
    }
    begins = how == Case::each && !is_letter(c.point);
    text.remove_prefix(c.size);
  }
  return out;
}

}  // namespace

std::string upper(std::string_view text) {
  return with_case(text, Case::upper);
}
std::string lower(std::string_view text) {
  return with_case(text, Case::lower);
}
std::string capitalized(std::string_view text) {
  return with_case(text, Case::first);
}
std::string titled(std::string_view text) {
  return with_case(text, Case::each);
}

namespace {

// The last character of a text that is not empty.
std::string_view last_character(std::string_view text) {
  std::size_t size = 1;
  while (size < 4 && size < text.size() && (static_cast<unsigned char>(text[text.size() - size]) & 0xC0U) == 0x80U)
    ++size;
  const std::string_view tail = text.substr(text.size() - size);
  return first_character(tail).size == size ? tail : text.substr(text.size() - 1);
}

template <class Predicate>
std::string_view stripped_of(std::string_view text, Side side, Predicate goes) {
  while (side != Side::right && !text.empty()) {
    const std::string_view first = text.substr(0, first_character(text).size);
    if (!goes(first)) break;
    text.remove_prefix(first.size());
  }
  while (side != Side::left && !text.empty()) {
    const std::string_view last = last_character(text);
    if (!goes(last)) break;
    text.remove_suffix(last.size());
  }
  return text;
}

}  // namespace

std::string_view stripped(std::string_view text, Side side) {
  return stripped_of(text, side, [](std::string_view c) { return is_space(first_character(c).point); });
}

std::string_view stripped(std::string_view text, Side side, std::string_view what) {
  const std::vector<std::string_view> set = characters(what);
  return stripped_of(text, side, [&](std::string_view c) { return std::find(set.begin(), set.end(), c) != set.end(); });
}

std::string real_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char buffer[32];
  const double size = std::fabs(number);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string out{buffer, end.ptr};
  if (plain && out.find('.') == std::string::npos) out += ".0";
  return out;
}

}  // namespace intragate::jinja

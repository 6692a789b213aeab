// What single keys, strings and numbers mean; the scans that find them are in json_scan.cpp.
#include <charconv>

#include "base/json_scan.h"
#include "base/json_utf8.h"
#include "base/json_word.h"

namespace intragate::json {
namespace {

// Four hexadecimal digits at `at`, or nothing.
std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  const char* end = text.data() + at + 4;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value, 16);  // takes no sign, no prefix
  if (error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

// The code point of the \u escape at `at`, which a pair of surrogates may share; moves `at` behind it.
std::optional<std::uint32_t> unicode_escape(std::string_view text, std::size_t& at) {
  const std::optional<std::uint32_t> first = hex4(text, at + 2);
  if (!first) return std::nullopt;
  at += 6;
  if (*first < 0xD800 || *first > 0xDFFF) return first;
  if (*first > 0xDBFF || text.substr(at, 2) != "\\u") return std::nullopt;
  const std::optional<std::uint32_t> second = hex4(text, at + 2);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return std::nullopt;
  at += 6;
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

// Appends what the escape at `at` stands for and moves `at` behind it. False: there is no such escape.
bool append_escape(std::string& out, std::string_view text, std::size_t& at) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (at + 1 >= text.size()) return false;
  if (text[at + 1] == 'u') {
    const std::optional<std::uint32_t> code_point = unicode_escape(text, at);
    if (!code_point) return false;
    append_utf8(out, *code_point);
    return true;
  }
  const std::size_t letter = kLetters.find(text[at + 1]);
  if (letter == std::string_view::npos) return false;
  out += kMeanings[letter];
  at += 2;
  return true;
}

// Bytes at the start of `text`, eight at a time, that are ASCII and neither a control, a quote nor a backslash.
std::size_t plain_prefix(std::string_view text) {
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(Word); at += sizeof(Word)) {
    const Word word = load_word(text.data() + at);
    const Word marks = mark_special(word) | (word & kHighBits);
    if (marks != 0) return at + bytes_before(marks);
  }
  const auto is_plain = [](char c) { return static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\'; };
  while (at < text.size() && is_plain(text[at])) ++at;
  return at;
}

// The text between the quotes; nothing when it is not legal JSON.
std::optional<std::string> unescaped(std::string_view inner) {
  // Most texts are plain ASCII, to be copied as they stand.
  const std::size_t plain = plain_prefix(inner);
  std::string out{inner.substr(0, plain)};
  if (plain == inner.size()) return out;
  out.reserve(inner.size());
  for (std::size_t at = plain; at < inner.size();) {
    const char c = inner[at];
    if (c == '\\') {
      if (!append_escape(out, inner, at)) return std::nullopt;
      continue;
    }
    const Utf8Piece piece = utf8_piece(inner, at);
    if (static_cast<unsigned char>(c) < 0x20 || c == '"' || !piece.valid) return std::nullopt;
    out.append(inner, at, piece.length);
    at += piece.length;
  }
  return out;
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

Spelling compared(std::string_view key, std::string_view name) {
  if (key.size() != name.size()) return Spelling::different;
  if (key == name) return Spelling::exact;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (lower(key[i]) != lower(name[i])) return Spelling::different;
  }
  return Spelling::other_case;
}

}  // namespace

Spelling compare_key(const Member& member, std::string_view name) {
  constexpr std::size_t kLongestEscape = 6;  // \u0061
  if (!member.key_escaped) return compared(member.key, name);
  if (member.key.size() > kLongestEscape * name.size()) return Spelling::different;
  const std::optional<std::string> text = unescaped(member.key);
  return text ? compared(*text, name) : Spelling::different;
}

Result<std::string> unescape(std::string_view raw) {
  if (raw.size() >= 2 && raw.front() == '"' && raw.back() == '"') {
    std::optional<std::string> text = unescaped(raw.substr(1, raw.size() - 2));
    if (text) return *std::move(text);
  }
  return make_error(Code::invalid_json, "A string in the JSON has a bad escape, a control character or invalid UTF-8.");
}

void append_text(std::string& out, std::string_view raw) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
  if (raw.size() < 2 || raw.front() != '"' || raw.back() != '"') return;
  const std::string_view inner = raw.substr(1, raw.size() - 2);
  const std::size_t plain = plain_prefix(inner);
  out += inner.substr(0, plain);
  for (std::size_t at = plain; at < inner.size();) {
    if (inner[at] == '\\') {
      const std::size_t escape = at;
      if (append_escape(out, inner, at)) continue;
      // A lone surrogate is the whole of its escape; of any other, the backslash.
      at = escape + (hex4(inner, escape + 2) && inner[escape + 1] == 'u' ? 6 : 1);
      out += kReplacement;
      continue;
    }
    const Utf8Piece piece = utf8_piece(inner, at);
    out += piece.valid ? inner.substr(at, piece.length) : kReplacement;
    at += piece.length;
  }
}

std::optional<std::uint64_t> unsigned_number(std::string_view raw) {
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 53;  // what every JSON reader can hold exactly
  std::uint64_t value = 0;
  const char* end = raw.data() + raw.size();
  const auto [stop, error] = std::from_chars(raw.data(), end, value);
  if (error != std::errc{} || stop != end || value > kLargest) return std::nullopt;
  if (raw.size() > 1 && raw.front() == '0') return std::nullopt;
  return value;
}

}  // namespace intragate::json

#include "base/json_scan.h"

#include "base/json_skip.h"
#include "base/json_word.h"

namespace intragate::json {
namespace {

constexpr const char* kNoValue = "expected a value";

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

const Skipper& best() {
  static const Skipper& fastest = skippers().front();
  return fastest;
}

// The functions below step over one thing and return true, or note the first problem and return false.

bool fail(Cursor& cursor, const char* what) {
  cursor.problem = what;
  cursor.cut = cursor.at >= cursor.text.size();
  return false;
}

// The text ends before the value at the cursor does.
bool fail_cut(Cursor& cursor, const char* what) {
  cursor.problem = what;
  cursor.cut = true;
  return false;
}

// These two run several times for each member.

inline void skip_space(Cursor& cursor) {
  while (cursor.at < cursor.text.size()) {
    const char c = cursor.text[cursor.at];
    if (static_cast<unsigned char>(c) > ' ') return;
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') return;
    ++cursor.at;
  }
}

inline bool take(Cursor& cursor, char wanted) {
  if (cursor.at >= cursor.text.size() || cursor.text[cursor.at] != wanted) return false;
  ++cursor.at;
  return true;
}

// Length of the escape at the start of `text`, which is a backslash; 0: there is no such escape.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') return std::string_view{"\"\\/bfnrt"}.find(text[1]) == std::string_view::npos ? 0 : 2;
  if (text.size() < 6) return 0;
  for (const char digit : text.substr(2, 4)) {
    if (!is_hex_digit(digit)) return 0;
  }
  return 6;
}

// Offset of the first quote, backslash or control character from `at` on.
std::size_t find_special(std::string_view text, std::size_t at) {
  for (; text.size() - at >= sizeof(Word); at += sizeof(Word)) {
    const Word marks = mark_special(load_word(text.data() + at));
    if (marks != 0) return at + bytes_before(marks);
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\' && static_cast<unsigned char>(text[at]) >= 0x20) ++at;
  return at;
}

// What a key says decides: unlike a string value, it is checked for bad escapes and control characters.
bool scan_key(Cursor& cursor, Member& member) {
  if (!take(cursor, '"')) return fail(cursor, "expected a key in quotes");
  const std::size_t begin = cursor.at;
  while (true) {
    cursor.at = find_special(cursor.text, cursor.at);
    if (cursor.at == cursor.text.size()) return fail(cursor, "expected a '\"' that ends the key");
    const char c = cursor.text[cursor.at];
    if (c == '"') break;
    if (c != '\\') return fail(cursor, "control character in a key");
    const std::size_t length = escape_length(cursor.text.substr(cursor.at));
    if (length == 0) {
      constexpr std::size_t kLongest = 6;  // \u0061
      const bool ends = cursor.text.size() - cursor.at < kLongest;
      return ends ? fail_cut(cursor, "bad escape in a key") : fail(cursor, "bad escape in a key");
    }
    cursor.at += length;
    member.key_escaped = true;
  }
  member.key = {cursor.text.data() + begin, cursor.at - begin};
  ++cursor.at;
  return true;
}

bool scan_string(Cursor& cursor) {
  // Most strings of the scanned level are names: their end is found before a block would be loaded.
  if (cursor.text.size() - cursor.at > sizeof(Word)) {
    const Word word = load_word(cursor.text.data() + cursor.at + 1);
    const Word quote = mark_equal(word, '"');
    const Word backslash = mark_equal(word, '\\');
    if (quote != 0 && bytes_before(quote) < bytes_before(backslash)) {
      cursor.at += bytes_before(quote) + 2;
      return true;
    }
  }
  const std::size_t end = best().string(cursor.text, cursor.at + 1);
  if (end == std::string_view::npos) return fail_cut(cursor, "no end of the string that begins");
  cursor.at = end;
  return true;
}

bool scan_container(Cursor& cursor) {
  const std::size_t end = best().container(cursor.text, cursor.at);
  if (end == std::string_view::npos) return fail_cut(cursor, "no end of the object or array that begins");
  const char close = cursor.text[cursor.at] == '{' ? '}' : ']';
  if (cursor.text[end - 1] != close) return fail(cursor, "wrong closing bracket of the object or array that begins");
  cursor.at = end;
  return true;
}

bool scan_literal(Cursor& cursor, std::string_view literal) {
  const std::string_view rest = cursor.text.substr(cursor.at, literal.size());
  if (rest == literal) {
    cursor.at += literal.size();
    return true;
  }
  return literal.starts_with(rest) ? fail_cut(cursor, kNoValue) : fail(cursor, kNoValue);
}

bool scan_digits(Cursor& cursor) {
  const std::size_t begin = cursor.at;
  while (cursor.at < cursor.text.size() && is_digit(cursor.text[cursor.at])) ++cursor.at;
  return cursor.at > begin || fail(cursor, "expected a digit");
}

// RFC 8259 section 6: [ minus ] int [ frac ] [ exp ]
bool scan_number(Cursor& cursor) {
  take(cursor, '-');
  if (!take(cursor, '0') && !scan_digits(cursor)) return false;
  if (take(cursor, '.') && !scan_digits(cursor)) return false;
  if (!take(cursor, 'e') && !take(cursor, 'E')) return true;
  if (!take(cursor, '+')) take(cursor, '-');
  return scan_digits(cursor);
}

bool scan_by_kind(Cursor& cursor, Kind& kind) {
  const char first = cursor.at < cursor.text.size() ? cursor.text[cursor.at] : '\0';
  switch (first) {
    case '"': kind = Kind::string; return scan_string(cursor);
    case '{': kind = Kind::object; return scan_container(cursor);
    case '[': kind = Kind::array; return scan_container(cursor);
    case 't': kind = Kind::boolean; return scan_literal(cursor, "true");
    case 'f': kind = Kind::boolean; return scan_literal(cursor, "false");
    case 'n': kind = Kind::null; return scan_literal(cursor, "null");
    default: kind = Kind::number; return is_digit(first) || first == '-' ? scan_number(cursor) : fail(cursor, kNoValue);
  }
}

bool scan_value(Cursor& cursor, Member& member) {
  skip_space(cursor);
  member.offset = cursor.at;
  if (!scan_by_kind(cursor, member.kind)) return false;
  member.value = {cursor.text.data() + member.offset, cursor.at - member.offset};
  return true;
}

bool scan_member(Cursor& cursor, Member& member) {
  if (!scan_key(cursor, member)) return false;
  skip_space(cursor);
  if (!take(cursor, ':')) return fail(cursor, "expected ':' after a key");
  return scan_value(cursor, member);
}

// Whatever follows the closing bracket but white space is an error.
void scan_end(Cursor& cursor) {
  skip_space(cursor);
  if (cursor.at < cursor.text.size()) fail(cursor, "expected nothing more");
}

}  // namespace

ObjectScan::ObjectScan(std::string_view text) : cursor_{.text = text} {}

ObjectScan ObjectScan::inside(std::string_view text, std::size_t offset) {
  ObjectScan scan{text};
  scan.cursor_.at = offset;
  scan.inside_ = true;
  return scan;
}

ObjectScan ObjectScan::members(std::string_view text) {
  ObjectScan scan{text};
  scan.started_ = true;
  return scan;
}

std::optional<Member> ObjectScan::next() {
  if (ended_ || failed()) return std::nullopt;
  skip_space(cursor_);
  if (!started_) {
    started_ = true;
    if (!take(cursor_, '{')) fail(cursor_, "expected '{'");
    if (failed()) return std::nullopt;
    skip_space(cursor_);
  }
  if (take(cursor_, '}')) return end();
  if (!empty_) {
    if (!take(cursor_, ',')) fail(cursor_, "expected ',' or '}' after a value");
    if (failed()) return std::nullopt;
    skip_space(cursor_);
  }
  std::optional<Member> member{std::in_place};
  if (!scan_member(cursor_, *member)) member.reset();
  if (member) empty_ = false;
  return member;
}

std::optional<Member> ObjectScan::end() {
  ended_ = true;
  closing_brace_ = cursor_.at - 1;
  if (!inside_) scan_end(cursor_);
  return std::nullopt;
}

std::string ObjectScan::problem() const {
  if (!failed()) return {};
  return std::string{cursor_.problem} + " at byte " + std::to_string(cursor_.at);
}

ArrayScan ArrayScan::inside(std::string_view text, std::size_t offset) {
  ArrayScan scan{text};
  scan.cursor_.at = offset;
  scan.inside_ = true;
  return scan;
}

std::optional<Member> ArrayScan::next() {
  if (ended_ || failed()) return std::nullopt;
  skip_space(cursor_);
  if (!started_) {
    started_ = true;
    if (!take(cursor_, '[')) fail(cursor_, "expected '['");
    if (failed()) return std::nullopt;
    skip_space(cursor_);
  }
  if (take(cursor_, ']')) {
    ended_ = true;
    if (!inside_) scan_end(cursor_);
    return std::nullopt;
  }
  if (!empty_ && !take(cursor_, ',')) fail(cursor_, "expected ',' or ']' after a value");
  std::optional<Member> member{std::in_place};
  if (failed() || !scan_value(cursor_, *member)) member.reset();
  if (member) empty_ = false;
  return member;
}

}  // namespace intragate::json

// Reads the top level of one JSON object without building it: keys, kinds and the raw bytes of the values. Nested
// objects, arrays and long strings are skipped in 64-byte blocks (docs/decisions/0003-body-scanner.md): a prompt of
// 400 KB costs about 20 µs.
// Owner: the caller; views point into the scanned text. Thread: any.
// Does not: check what lies inside nested values beyond balanced brackets (counted, without limit) and closed strings,
// nor escapes and UTF-8 of strings: the model parses the rest. Keys, numbers and literals of the scanned level are
// checked, so that no two readers can differ about which member is which.
// Rule: RFC 8259.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace intragate::json {

enum class Kind : std::uint8_t { object, array, string, number, boolean, null };

struct Member {
  std::string_view key;    // between the quotes, escapes as written; empty for an element of an array
  std::string_view value;  // raw bytes; a string includes its quotes
  std::size_t offset = 0;  // of `value` in the scanned text
  Kind kind = Kind::null;
  bool key_escaped = false;  // the key has a backslash: its spelling is not its text
};

// Where a scan stands, and why it stopped. The inside of the two scans below.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;
  const char* problem = nullptr;  // a fixed phrase; null: none so far
  bool cut = false;               // the problem is that the text ends
};

class ObjectScan {
 public:
  explicit ObjectScan(std::string_view text);
  // One object within a larger text, from the brace at `offset` to the one that closes it; offsets count in `text`.
  // Faster than a scan of the member's `value` alone, which is short: the end of a text is dearer than its middle.
  [[nodiscard]] static ObjectScan inside(std::string_view text, std::size_t offset);
  // What follows an opening brace: `"a":1}`. For the tail of a body whose beginning is gone.
  [[nodiscard]] static ObjectScan members(std::string_view text);

  // The next member, or nothing at the end of the object or at an error (ask `failed`).
  std::optional<Member> next();
  // True once the text turned out not to be exactly one JSON object (white space around it allowed).
  [[nodiscard]] bool failed() const { return cursor_.problem != nullptr; }
  // True when it failed because the text ends too early: what was returned so far is the beginning of the object.
  [[nodiscard]] bool cut() const { return cursor_.cut; }
  // Why, and at which byte (counted from 0), for a client's eyes: "expected ':' after a key at byte 17".
  [[nodiscard]] std::string problem() const;
  // Offset of the closing brace, valid after next() returned nothing without failing.
  [[nodiscard]] std::size_t closing_brace() const { return closing_brace_; }
  // True while no member has been returned.
  [[nodiscard]] bool empty() const { return empty_; }

 private:
  std::optional<Member> end();

  Cursor cursor_;
  std::size_t closing_brace_ = 0;
  bool empty_ = true;
  bool started_ = false;
  bool ended_ = false;
  bool inside_ = false;
};

// The same for one JSON array: its elements come as members without a key.
class ArrayScan {
 public:
  explicit ArrayScan(std::string_view text) : cursor_{.text = text} {}
  [[nodiscard]] static ArrayScan inside(std::string_view text, std::size_t offset);

  std::optional<Member> next();
  [[nodiscard]] bool failed() const { return cursor_.problem != nullptr; }

 private:
  Cursor cursor_;
  bool empty_ = true;
  bool started_ = false;
  bool ended_ = false;
  bool inside_ = false;
};

// Whether a member's key, unescaped, is `name` (plain ASCII): "mod\u0065l" is "model". `other_case`: it would be if
// upper and lower case were the same, as they are to some servers.
enum class Spelling : std::uint8_t { different, other_case, exact };
[[nodiscard]] Spelling compare_key(const Member& member, std::string_view name);
[[nodiscard]] inline Spelling spelling(const Member& member, std::string_view name) {
  const bool comparable = member.key_escaped || member.key.size() == name.size();
  return comparable ? compare_key(member, name) : Spelling::different;
}
[[nodiscard]] inline bool key_is(const Member& member, std::string_view name) {
  return member.key == name || (member.key_escaped && compare_key(member, name) == Spelling::exact);
}

// The text of a raw JSON string value (with its quotes). Errors: invalid_json for a bad escape, a lone surrogate, a
// control character or invalid UTF-8.
[[nodiscard]] Result<std::string> unescape(std::string_view raw);

// Appends the text of a raw JSON string value; what is no text in it (see above) becomes U+FFFD. For what a model says.
// Nothing is appended for what is no string at all.
void append_text(std::string& out, std::string_view raw);

// The unsigned integer of a raw JSON number; nothing for signs, fractions, exponents or more than 2^53.
[[nodiscard]] std::optional<std::uint64_t> unsigned_number(std::string_view raw);

}  // namespace intragate::json

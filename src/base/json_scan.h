// Reads the top level of one JSON object without building it: keys, kinds and the raw bytes of the values. Nested objects,
// arrays and long strings are skipped in 64-byte blocks (docs/decisions/0003-body-scanner.md), so a 400 KB prompt costs
// about 20 µs. Owner: the caller; views point into the scanned text. Thread: any.
// Does not: check what lies inside nested values beyond balanced brackets and closed strings, nor numbers' spelling beyond
// their extent: the model parses the rest. Rule: RFC 8259.
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
  std::string_view key;    // between the quotes, escapes as written
  std::string_view value;  // raw bytes; a string includes its quotes
  Kind kind = Kind::null;
  std::size_t offset = 0;  // of `value` in the scanned text
};

class ObjectScan {
 public:
  explicit ObjectScan(std::string_view text);

  // The next member, or nothing at the end of the object or at an error (ask `failed`).
  std::optional<Member> next();
  // True once the text turned out not to be exactly one JSON object (white space around it allowed).
  [[nodiscard]] bool failed() const { return failed_; }
  // Why, and at which byte, for a client's eyes: "expected ':' after a key at byte 17".
  [[nodiscard]] std::string problem() const;
  // Offset of the closing brace, valid after next() returned nothing without failing.
  [[nodiscard]] std::size_t closing_brace() const { return position_end_; }
  // True while no member has been returned.
  [[nodiscard]] bool empty() const { return empty_; }

 private:
  std::optional<Member> fail(const char* what);
  void skip_space();

  std::string_view text_;
  std::size_t position_ = 0;
  std::size_t position_end_ = 0;
  const char* what_ = nullptr;
  bool failed_ = false;
  bool empty_ = true;
  bool started_ = false;
  bool ended_ = false;
};

// Whether a member's key, unescaped, is `name` (plain ASCII). "mod\u0065l" is "model".
[[nodiscard]] bool key_is(const Member& member, std::string_view name);

// The text of a raw JSON string value (with its quotes). Errors: invalid_json for a bad escape, a lone surrogate, a control
// character or invalid UTF-8.
[[nodiscard]] Result<std::string> unescape(std::string_view raw);

// The unsigned integer of a raw JSON number; nothing for signs, fractions, exponents or more than 2^53.
[[nodiscard]] std::optional<std::uint64_t> unsigned_number(std::string_view raw);

}  // namespace intragate::json

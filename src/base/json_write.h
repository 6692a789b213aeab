// Appends JSON to a string: what records, errors, logs and lists are made with. Output is one line to every reader:
// controls (ASCII, DEL, U+0080 … U+009F) and U+2028, U+2029 are escaped, invalid UTF-8 is replaced by U+FFFD, so that
// a record can never be broken by what a client sent.
// Owner: the caller. Thread: any. Does not: pretty-print, parse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::json {

// Appends `text` as a JSON string with its quotes.
void append_string(std::string& out, std::string_view text);
// The same into memory with room for 2 + kWidestByte * text.size() bytes; returns their end.
char* write_string(char* to, std::string_view text);
inline constexpr std::size_t kWidestByte = 6;  // \u0000

// Builds one object in place. Nesting: opens and closes must pair, at most 64 deep (asserted).
class Writer {
 public:
  explicit Writer(std::string& out) : out_{out} {}

  Writer& open_object();
  Writer& open_object(std::string_view key);
  Writer& close_object();
  Writer& open_array(std::string_view key);
  Writer& close_array();

  Writer& text(std::string_view key, std::string_view value);
  Writer& number(std::string_view key, std::int64_t value);
  Writer& number(std::string_view key, double value, int decimals);  // decimals 0…9; null if not finite
  Writer& flag(std::string_view key, bool value);
  Writer& null(std::string_view key);
  Writer& raw(std::string_view key, std::string_view json);  // already JSON
  Writer& element(std::string_view value);                   // a string in an array

 private:
  static constexpr int kDeepest = 64;

  void open(char bracket);
  void close(char bracket);
  void comma();
  void name(std::string_view key);

  std::string& out_;
  std::uint64_t arrays_ = 0;  // one bit a level, the innermost lowest: 1 is an array
  int depth_ = 0;
  bool first_ = true;
};

}  // namespace intragate::json

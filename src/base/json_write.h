// Appends JSON to a string: what records, errors, logs and lists are made with. Output is one line, ASCII controls escaped,
// invalid UTF-8 replaced by U+FFFD, so that a record can never be broken by what a client sent.
// Owner: the caller. Thread: any. Does not: pretty-print, parse.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace intragate::json {

// Appends `text` as a JSON string with its quotes.
void append_string(std::string& out, std::string_view text);

// Builds one object or array in place. Nesting: open_object/close_object must pair (asserted).
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
  Writer& number(std::string_view key, double value, int decimals);  // decimals 0…9
  Writer& flag(std::string_view key, bool value);
  Writer& null(std::string_view key);
  Writer& raw(std::string_view key, std::string_view json);  // already JSON
  Writer& element(std::string_view value);                   // a string in an array

 private:
  void comma();
  void name(std::string_view key);
  std::string& out_;
  bool first_ = true;
};

}  // namespace intragate::json

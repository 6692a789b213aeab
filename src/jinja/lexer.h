// Takes the source of a template apart: text, and the words between `{{ }}` and `{% %}`. What white space belongs to
// the text is decided here, as Jinja decides it: `-` and `+`, trim_blocks, lstrip_blocks, the newline at the end,
// comments and raw blocks.
// Owner: the caller; tokens own their text. Thread: any. Does not: know which words make sense together (parser.h).
// Rule: Jinja 3.1, `jinja2/lexer.py`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace intragate::jinja {

struct Token {
  enum class Kind : std::uint8_t {
    text,         // outside of all brackets
    print_begin,  // {{
    print_end,    // }}
    block_begin,  // {%
    block_end,    // %}
    name,
    string,  // its value
    integer,
    real,
    symbol,  // operators and brackets
    end,
  };
  Kind kind = Kind::end;
  std::string text;
  std::uint32_t line = 1;
};

struct Spacing {
  bool trim_blocks = false;    // the newline behind a block is dropped
  bool lstrip_blocks = false;  // so is the white space before a block that stands alone on its line
};

inline constexpr std::size_t kLongestSource = 1024 * 1024;

// Errors: invalid_configuration, with the line.
[[nodiscard]] Result<std::vector<Token>> read_tokens(std::string_view source, Spacing spacing);

// What cannot be a template, and where.
[[nodiscard]] Error bad_template(std::uint32_t line, std::string why);

}  // namespace intragate::jinja

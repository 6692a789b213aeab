// What json::Skipper promises, in its plainest form: byte by byte. Tests and fuzz targets compare the fast ones with
// it.
#pragma once

#include <cstddef>
#include <string_view>

namespace reference {

inline constexpr std::size_t kNone = std::string_view::npos;

// See json::Skipper::string.
inline std::size_t string_end(std::string_view text, std::size_t from) {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return kNone;
}

// See json::Skipper::container.
inline std::size_t container_end(std::string_view text, std::size_t from) {
  std::size_t depth = 0;
  std::size_t at = from;
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '\\') return kNone;
    if (c == '"') at = string_end(text, at);
    if (at == kNone) return kNone;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
  return kNone;
}

}  // namespace reference

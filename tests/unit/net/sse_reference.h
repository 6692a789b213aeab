// Server-sent events read the slow and obvious way, from the whole text at once: what tests and the fuzz target compare
// net::SseReader with. Rule: WHATWG HTML 9.2.6, then the one-line form of docs/decisions/0004-sse-form.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/sse.h"

namespace sse_reference {

struct Block {
  intragate::net::SseEvent::Kind kind = intragate::net::SseEvent::Kind::data;
  std::string text;  // an event's data on one line; a comment's whole line
  friend bool operator==(const Block&, const Block&) = default;
};

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      line += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    lines.push_back(std::move(line));
    line.clear();
  }
  return lines;  // what has no line end is no line
}

// The rule's data buffer on one line: its blank lines left out, the rest joined by spaces.
inline std::string one_line(const std::string& buffer) {
  std::string joined;
  std::size_t begin = 0;
  while (begin < buffer.size()) {
    const std::size_t end = buffer.find('\n', begin);
    const std::string line = buffer.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    if (!joined.empty()) joined += ' ';
    joined += line;
  }
  return joined;
}

// Whether a line's value cannot belong to the JSON before it: the blank line between two events was forgotten.
inline bool begins_next(const std::string& before, const std::string& value) {
  const std::size_t last = before.find_last_not_of(" \t");
  const std::size_t first = value.find_first_not_of(" \t");
  if (last == std::string::npos || first == std::string::npos) return false;
  const bool begins = value[first] == '{' || value.compare(first, 6, "[DONE]") == 0;
  return begins && (before[last] == '}' || before[last] == ']');
}

inline std::vector<Block> read(std::string_view text) {
  using Kind = intragate::net::SseEvent::Kind;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  std::vector<Block> blocks;
  std::string buffer;
  for (const std::string& line : lines_of(text)) {
    if (line.empty()) {
      const std::string data = one_line(buffer);
      if (!data.empty()) blocks.push_back({.kind = Kind::data, .text = data});
      buffer.clear();
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == 0) blocks.push_back({.kind = Kind::comment, .text = line});
    if (line.substr(0, colon) != "data") continue;
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (!value.empty() && value[0] == ' ') value.erase(0, 1);
    if (const std::string data = one_line(buffer); begins_next(data, value)) {
      blocks.push_back({.kind = Kind::data, .text = data});
      buffer.clear();
    }
    buffer += value + '\n';
  }
  return blocks;
}

// Whether a block has the form that goes out.
inline bool is_canonical(const intragate::net::SseEvent& event) {
  using Kind = intragate::net::SseEvent::Kind;
  const std::string_view bytes = event.bytes;
  if (bytes.size() < 3 || bytes.substr(bytes.size() - 2) != "\n\n") return false;
  const std::string_view line = bytes.substr(0, bytes.size() - 2);
  if (line.find_first_of("\r\n") != std::string_view::npos) return false;
  if (event.kind == Kind::comment) return line.starts_with(':') && event.data.empty();
  if (event.data.find_first_not_of(" \t") == std::string_view::npos) return false;
  return line == "data:" + std::string{event.data} || line == "data: " + std::string{event.data};
}

}  // namespace sse_reference

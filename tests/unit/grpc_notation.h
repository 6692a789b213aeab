// gRPC bodies as readable text, one frame a line, for tests and golden files:
//   message 1 "words" 5 {1 "text_output" 2 "BYTES" 3 "\x01"} 6 "\x02\x00\x00\x00Hi"
//   trailers "grpc-status: 0\r\n"
// A field is its number and its value: a text with \xHH, a whole number, or the fields of a message in braces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"
#include "dialect/protobuf.h"

namespace intragate::grpc_notation {

inline void skip_spaces(std::string_view& in) {
  while (in.starts_with(' ')) in.remove_prefix(1);
}

// What stands between quotes.
inline std::string take_text(std::string_view& in) {
  std::string out;
  in.remove_prefix(1);
  while (!in.empty() && in.front() != '"') {
    if (in.starts_with("\\x")) {
      out += static_cast<char>(std::stoi(std::string{in.substr(2, 2)}, nullptr, 16));
      in.remove_prefix(4);
      continue;
    }
    if (in.starts_with("\\r")) out += '\r';
    if (in.starts_with("\\n")) out += '\n';
    if (in.starts_with("\\\"")) out += '"';
    if (in.front() != '\\') out += in.front();
    in.remove_prefix(in.front() == '\\' ? 2 : 1);
  }
  in.remove_prefix(std::min<std::size_t>(1, in.size()));
  return out;
}

inline std::uint64_t take_number(std::string_view& in) {
  std::uint64_t value = 0;
  while (!in.empty() && text::is_digit(in.front())) {
    value = value * 10 + static_cast<std::uint64_t>(in.front() - '0');
    in.remove_prefix(1);
  }
  return value;
}

inline std::string take_message(std::string_view& in) {
  std::string out;
  for (skip_spaces(in); !in.empty() && in.front() != '}'; skip_spaces(in)) {
    const auto field = static_cast<std::uint32_t>(take_number(in));
    skip_spaces(in);
    if (in.starts_with('"')) {
      dialect::protobuf::append_bytes(out, field, take_text(in));
    } else if (in.starts_with('{')) {
      in.remove_prefix(1);
      dialect::protobuf::append_bytes(out, field, take_message(in));
      in.remove_prefix(1);
    } else {
      dialect::protobuf::append_number(out, field, take_number(in));
    }
  }
  return out;
}

inline std::string message(std::string_view fields) {
  return take_message(fields);
}

inline std::string frame(char flag, std::string_view data) {
  std::string out{flag};
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(data.size() >> shift);
  out += data;
  return out;
}

// Other lines are what they are, without their end: what breaks off.
inline std::string encoded(std::string_view lines) {
  constexpr std::string_view kMessage = "message";
  constexpr std::string_view kTrailers = "trailers ";
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.starts_with(kMessage)) {
      line.remove_prefix(kMessage.size());
      out += frame('\0', take_message(line));
    } else if (line.starts_with(kTrailers)) {
      line.remove_prefix(kTrailers.size());
      out += frame('\x80', take_text(line));
    } else {
      out += line.starts_with('"') ? take_text(line) : std::string{line};
    }
  }
  return out;
}

inline void append_readable(std::string& out, std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"') out += '\\';
    if (byte < 0x20 || byte > 0x7E || c == '\\') {
      out += "\\x";
      out += kHex[byte >> 4U];
      out += kHex[byte & 0xFU];
    } else {
      out += c;
    }
  }
  out += '"';
}

// The fields of a ModelInferRequest; its tensors (5, 6) are messages.
inline std::string readable(std::string_view message, bool top = true) {
  std::string out;
  dialect::protobuf::FieldScan scan{message};
  while (const auto field = scan.next()) {
    out += (out.empty() ? "" : " ") + std::to_string(field->number) + ' ';
    if (field->wire != dialect::protobuf::Field::Wire::bytes) {
      out += std::to_string(field->value);
    } else if (top && (field->number == 5 || field->number == 6)) {
      out += '{' + readable(field->bytes, false) + '}';
    } else {
      append_readable(out, field->bytes);
    }
  }
  return scan.bad() ? "(broken)" : out;
}

}  // namespace intragate::grpc_notation

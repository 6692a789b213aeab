#include "dialect/protobuf.h"

namespace intragate::dialect::protobuf {
namespace {

constexpr unsigned kWireBits = 3;
constexpr std::uint64_t kLargestField = (1U << 29) - 1;

}  // namespace

std::optional<std::uint64_t> FieldScan::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

// Least byte first.
std::optional<std::uint64_t> FieldScan::fixed(std::size_t size) {
  if (rest_.size() < size) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) value = value << 8 | static_cast<unsigned char>(rest_[i - 1]);
  rest_.remove_prefix(size);
  return value;
}

std::optional<Field> FieldScan::next() {
  if (bad_ || rest_.empty()) return std::nullopt;
  const std::optional<std::uint64_t> tag = varint();
  bad_ = !tag || *tag >> kWireBits == 0 || *tag >> kWireBits > kLargestField;
  if (bad_) return std::nullopt;
  Field field;
  field.number = static_cast<std::uint32_t>(*tag >> kWireBits);
  field.wire = static_cast<Field::Wire>(*tag & ((1U << kWireBits) - 1));
  std::optional<std::uint64_t> value;
  switch (field.wire) {
    case Field::Wire::varint:
    case Field::Wire::bytes: value = varint(); break;
    case Field::Wire::fixed64: value = fixed(8); break;
    case Field::Wire::fixed32: value = fixed(4); break;
    default: break;
  }
  bad_ = !value || (field.wire == Field::Wire::bytes && *value > rest_.size());
  if (bad_) return std::nullopt;
  field.value = *value;
  if (field.wire != Field::Wire::bytes) return field;
  field.bytes = rest_.substr(0, static_cast<std::size_t>(*value));
  rest_.remove_prefix(field.bytes.size());
  return field;
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

void append_number(std::string& out, std::uint32_t field, std::uint64_t value) {
  append_varint(out, std::uint64_t{field} << kWireBits);
  append_varint(out, value);
}

void append_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  append_varint(out, std::uint64_t{field} << kWireBits | static_cast<std::uint64_t>(Field::Wire::bytes));
  append_varint(out, bytes.size());
  out += bytes;
}

}  // namespace intragate::dialect::protobuf

#include "dialect/kserve_vectors.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/json_scan.h"
#include "llm/delta.h"

namespace intragate::dialect::kserve {
namespace {

using json::Kind;
using json::Member;

// Numbers, one after the other, as vectors of the same length.
class Rows {
 public:
  Rows(std::uint64_t columns, std::vector<std::string>& into) : columns_{columns}, into_{into} {}

  bool add(std::string_view number) {
    if (columns_ == 0) return false;
    if (column_ == 0) {
      if (into_.size() == llm::kMostEmbeddings) return false;
      into_.emplace_back();
    }
    std::string& row = into_.back();
    row += column_ == 0 ? '[' : ',';
    row += number;
    if (++column_ < columns_) return true;
    row += ']';
    column_ = 0;
    return true;
  }
  [[nodiscard]] bool whole() const { return column_ == 0; }

 private:
  std::uint64_t columns_;
  std::uint64_t column_ = 0;
  std::vector<std::string>& into_;
};

template <class Float>
bool add_float(Float value, Rows& rows) {
  if (!std::isfinite(value)) return false;
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return rows.add({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

float half(std::uint32_t bits) {
  constexpr std::uint32_t kFraction = 0x3FF;
  constexpr std::uint32_t kExponent = 0x1F;
  const std::uint32_t exponent = bits >> 10U & kExponent;
  const auto fraction = static_cast<float>(bits & kFraction);
  const float size = exponent == kExponent ? INFINITY
                     : exponent == 0       ? std::ldexp(fraction, -24)
                                           : std::ldexp(fraction + 1024, static_cast<int>(exponent) - 25);
  return (bits & 0x8000U) != 0 ? -size : size;
}

std::size_t size_of(std::string_view type) {
  if (type == "FP64") return 8;
  if (type == "FP32") return 4;
  return type == "FP16" || type == "BF16" ? 2 : 0;
}

bool add_bits(std::string_view type, std::uint64_t bits, Rows& rows) {
  const auto low = static_cast<std::uint32_t>(bits);
  if (type == "FP64") return add_float(std::bit_cast<double>(bits), rows);
  if (type == "FP32") return add_float(std::bit_cast<float>(low), rows);
  return add_float(type == "FP16" ? half(low) : std::bit_cast<float>(low << 16U), rows);
}

// Flat, or nested as the tensor is.
bool add_json(std::string_view array, unsigned depth, Rows& rows) {
  constexpr unsigned kDeepest = 4;
  json::ArrayScan scan{array};
  while (const std::optional<Member> element = scan.next()) {
    const bool nested = element->kind == Kind::array && depth < kDeepest;
    const bool added = nested                          ? add_json(element->value, depth + 1, rows)
                       : element->kind == Kind::number ? rows.add(element->value)
                                                       : false;
    if (!added) return false;
  }
  return !scan.failed();
}

}  // namespace

bool holds_numbers(std::string_view type) {
  return size_of(type) > 0;
}

bool append_vectors(const Numbers& numbers, std::vector<std::string>& into) {
  const std::size_t size = size_of(numbers.type);
  if (size == 0 || numbers.bytes.empty() || numbers.bytes.size() % size != 0) return false;
  Rows rows{numbers.columns, into};
  for (std::size_t at = 0; at < numbers.bytes.size(); at += size) {
    std::uint64_t bits = 0;
    for (std::size_t i = size; i > 0; --i) bits = bits << 8 | static_cast<unsigned char>(numbers.bytes[at + i - 1]);
    if (!add_bits(numbers.type, bits, rows)) return false;
  }
  return rows.whole();
}

bool append_vectors(std::string_view output_json, std::vector<std::string>& into) {
  std::uint64_t columns = 0;
  std::optional<Member> data;
  json::ObjectScan scan{output_json};
  while (const std::optional<Member> member = scan.next()) {
    if (json::key_is(*member, "data") && member->kind == Kind::array) data = member;
    if (!json::key_is(*member, "shape") || member->kind != Kind::array) continue;
    json::ArrayScan shape{member->value};
    while (const std::optional<Member> size = shape.next()) columns = json::unsigned_number(size->value).value_or(0);
  }
  if (scan.failed() || !data) return false;
  Rows rows{columns, into};
  return add_json(data->value, 0, rows) && rows.whole();
}

}  // namespace intragate::dialect::kserve

#include "tokenizer/charsmap.h"

#include <utf8proc.h>

#include "base/base64.h"
#include "jinja/text.h"

namespace intragate::tokenizer {
namespace {

constexpr std::size_t kUnit = 4;            // bytes
constexpr std::size_t kLongestCluster = 5;  // bytes of a cluster that is looked up as a whole

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < kUnit; ++i) {
    number |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  }
  return number;
}

// Of a unit of the array, by J. Aoe, "An Efficient Digital Search Algorithm by Using a Double-Array Structure" (1989),
// as darts-clone packs it.
std::uint32_t offset_of(std::uint32_t unit) {
  return (unit >> 10U) << ((unit & (1U << 9U)) >> 6U);
}
std::uint32_t label_of(std::uint32_t unit) {
  return unit & ((1U << 31U) | 0xFFU);
}
bool has_leaf(std::uint32_t unit) {
  return (unit >> 8U & 1U) == 1;
}

}  // namespace

Result<Charsmap> Charsmap::make(std::string_view text) {
  const std::optional<std::string> bytes = from_base64(text);
  const bool sized = bytes && bytes->size() >= kUnit;
  const std::size_t size = sized ? number_at(*bytes, 0) : 0;
  if (!sized || size % kUnit != 0 || size > bytes->size() - kUnit) {
    return make_error(Code::invalid_configuration, "tokenizer: its `precompiled_charsmap` is malformed");
  }
  Charsmap made;
  for (std::size_t at = kUnit; at < kUnit + size; at += kUnit) made.units_.push_back(number_at(*bytes, at));
  made.texts_ = bytes->substr(kUnit + size);
  return made;
}

// What a text becomes by the shortest of the trie's texts that it begins with.
std::optional<std::string_view> Charsmap::becomes(std::string_view text) const {
  if (units_.empty()) return std::nullopt;
  std::uint32_t at = offset_of(units_[0]);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    at ^= byte;
    if (byte == 0 || at >= units_.size()) return std::nullopt;
    const std::uint32_t unit = units_[at];
    if (label_of(unit) != byte) return std::nullopt;
    at ^= offset_of(unit);
    if (at >= units_.size()) return std::nullopt;
    if (!has_leaf(unit)) continue;
    const std::uint32_t begin = units_[at] & ((1U << 31U) - 1);
    if (begin >= texts_.size()) return std::nullopt;
    const std::string_view rest = std::string_view{texts_}.substr(begin);
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

void Charsmap::append(std::string& out, std::string_view cluster) const {
  if (cluster.size() <= kLongestCluster) {
    const std::optional<std::string_view> whole = becomes(cluster);
    if (whole) {
      out += *whole;
      return;
    }
  }
  while (!cluster.empty()) {
    const std::string_view character = cluster.substr(0, jinja::first_character(cluster).size);
    out += becomes(character).value_or(character);
    cluster.remove_prefix(character.size());
  }
}

std::string Charsmap::apply(std::string_view text) const {
  std::string out;
  out.reserve(text.size());
  std::size_t begin = 0;
  std::int32_t before = -1;
  utf8proc_int32_t state = 0;
  for (std::size_t at = 0; at < text.size();) {
    const jinja::Character c = jinja::first_character(text.substr(at));
    const auto point = static_cast<std::int32_t>(c.point);
    if (before >= 0 && utf8proc_grapheme_break_stateful(before, point, &state)) {
      append(out, text.substr(begin, at - begin));
      begin = at;
    }
    before = point;
    at += c.size;
  }
  append(out, text.substr(begin));
  return out;
}

}  // namespace intragate::tokenizer

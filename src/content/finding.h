// What content rules look for, and where it was found. Plain values. Owner: the caller. Thread: any. Does not: say what
// is to be done about it (mask, refuse or note: the rule's business).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace intragate::content {

enum class Kind : std::uint8_t {
  mobile_number,  // of mainland China: 11 digits from 13 to 19, +86 or not,
                  // together or as 3-4-4
  id_card,        // of a resident of China: 18 characters with a possible birthday and
                  // the right check character
  bank_card,      // 13 to 19 digits, together or in groups, with the right check
                  // digit (Luhn)
  email,
  ip_address,  // IPv4 or IPv6
  api_key,     // the forms that are known by their beginning: sk-, AKIA, ghp_, JSON
               // web tokens …
  word,        // of a list
  pattern      // an expression of the rule's own
};
inline constexpr std::size_t kKinds = 8;
inline constexpr std::size_t kBuiltInKinds = 6;  // those come first

[[nodiscard]] constexpr std::string_view kind_name(Kind kind) {
  constexpr std::array<std::string_view, kKinds> kNames{"mobile_number", "id_card", "bank_card", "email",
                                                        "ip_address",    "api_key", "word",      "pattern"};
  return kNames[static_cast<std::size_t>(kind)];
}

struct Finding {
  std::uint64_t begin = 0;  // bytes from the beginning of the text
  std::uint64_t end = 0;
  Kind kind = Kind::word;
  std::uint16_t rule = 0;  // which of those that were looked for
  friend bool operator==(const Finding&, const Finding&) = default;
};

}  // namespace intragate::content

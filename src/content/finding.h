// What content rules look for, and where it was found. Plain values. Owner: the
// caller. Thread: any. Does not: say what is to be done about it (mask, refuse
// or note: the rule's business).
#pragma once

#include <cstdint>

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
  word         // of a list
};
inline constexpr std::size_t kKinds = 7;

struct Finding {
  std::uint64_t begin = 0;  // bytes from the beginning of the text
  std::uint64_t end = 0;
  Kind kind = Kind::word;
  friend bool operator==(const Finding&, const Finding&) = default;
};

}  // namespace intragate::content

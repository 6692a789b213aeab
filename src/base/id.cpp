#include "base/id.h"

#include <algorithm>

namespace intragate {
namespace {

constexpr std::string_view kAlphabet = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford's base 32
constexpr std::size_t kLongestRequestId = 128;

bool plain(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool digit = c >= '0' && c <= '9';
  return letter || digit || std::string_view{"-_.:/+=@"}.find(c) != std::string_view::npos;
}

}  // namespace

RequestId new_request_id(Random& random) {
  RequestId id{{'r', 'e', 'q', '_'}};
  auto* to = id.text.begin() + 4;
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = random.next() >> 4;  // 60 bits: twelve characters of five
    for (int i = 0; i < 12; ++i, bits >>= 5) *to++ = kAlphabet[bits & 31];
  }
  return id;
}

bool acceptable_request_id(std::string_view id) {
  return !id.empty() && id.size() <= kLongestRequestId && std::all_of(id.begin(), id.end(), plain);
}

}  // namespace intragate

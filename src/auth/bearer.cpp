#include "auth/bearer.h"

#include <algorithm>

#include "base/text.h"

namespace intragate::auth {
namespace {

constexpr std::size_t kLongestToken = 512;

bool visible(char c) {
  return c > ' ' && c < '\x7f';
}

}  // namespace

Result<std::string_view> bearer_token(std::string_view authorization) {
  const std::string_view value = text::trim(authorization);
  if (value.empty()) {
    return make_error(Code::invalid_key, "No API key was sent: put one into the header `Authorization: Bearer <key>`.");
  }
  const std::string_view scheme = value.substr(0, value.find_first_of(" \t"));
  if (text::lower(scheme.substr(0, 16)) != "bearer") {
    return make_error(Code::invalid_key,
                      "The Authorization header must read `Bearer <key>`; other schemes are not accepted.");
  }
  const std::string_view token = text::trim(value.substr(scheme.size()));
  if (token.empty()) {
    return make_error(Code::invalid_key, "The Authorization header says Bearer but holds no API key.");
  }
  if (token.size() > kLongestToken || !std::all_of(token.begin(), token.end(), visible)) {
    return make_error(Code::invalid_key, "The Authorization header holds something that cannot be an API key.");
  }
  return token;
}

}  // namespace intragate::auth

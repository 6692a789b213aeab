#include "auth/bearer.h"

#include <algorithm>

#include "base/text.h"

namespace intragate::auth {
namespace {

constexpr std::size_t kLongestToken = 512;
constexpr std::string_view kScheme = "bearer";

bool visible(char c) {
  return c > ' ' && c < '\x7f';
}

bool blank(char c) {
  return c == ' ' || c == '\t';
}

// A scheme's case does not matter (RFC 9110 section 11.1); what follows it is white space or nothing.
bool says_bearer(std::string_view value) {
  if (value.size() < kScheme.size()) return false;
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if ((value[i] | 0x20) != kScheme[i]) return false;  // no other byte than the two cases of a letter becomes one
  }
  return value.size() == kScheme.size() || blank(value[kScheme.size()]);
}

bool may_be_key(std::string_view token) {
  return !token.empty() && token.size() <= kLongestToken && std::all_of(token.begin(), token.end(), visible);
}

}  // namespace

Result<std::string_view> bearer_token(std::string_view authorization) {
  const std::string_view value = text::trim(authorization);
  if (value.empty()) {
    return make_error(Code::invalid_key, "No API key was sent: put one into the header `Authorization: Bearer <key>`.");
  }
  if (!says_bearer(value)) {
    return make_error(Code::invalid_key,
                      "The Authorization header must read `Bearer <key>`; other schemes are not accepted.");
  }
  const std::string_view token = text::trim(value.substr(kScheme.size()));
  if (token.empty()) {
    return make_error(Code::invalid_key, "The Authorization header says Bearer but holds no API key.");
  }
  if (!may_be_key(token)) {
    return make_error(Code::invalid_key, "The Authorization header holds something that cannot be an API key.");
  }
  return token;
}

Result<std::string_view> bare_token(std::string_view header) {
  const std::string_view token = text::trim(header);
  if (!may_be_key(token)) {
    return make_error(Code::invalid_key, "The x-api-key header holds something that cannot be an API key.");
  }
  return token;
}

}  // namespace intragate::auth

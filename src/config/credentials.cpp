#include "config/credentials.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/problems.h"

namespace intragate::config {
namespace {

constexpr std::size_t kLongestName = 128;
constexpr std::size_t kLongestKey = 8192;
constexpr std::size_t kShortestApiKey = 8;
constexpr std::size_t kLongestApiKey = 512;  // auth/bearer.h reads no longer tokens

Error bad(std::string message) {
  return make_error(Code::invalid_configuration, std::move(message));
}

bool is_token(std::string_view name) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return text::is_letter(c) || text::is_digit(c) || kOthers.find(c) != std::string_view::npos;
  });
}

// Headers that carry the message itself: a credential there would break the request, or forge it.
bool is_reserved(std::string_view name) {
  constexpr std::array<std::string_view, 13> kReserved{
      "host",    "connection", "content-length",   "content-type", "transfer-encoding", "te", "trailer", "keep-alive",
      "upgrade", "expect",     "proxy-connection", "accept",       "content-encoding"};
  const std::string lowered = text::lower(name);
  return std::find(kReserved.begin(), kReserved.end(), lowered) != kReserved.end();
}

bool is_field_value(std::string_view value) {
  const bool edges = !value.empty() && value.front() != ' ' && value.back() != ' ';
  return edges && std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// What examples and templates have where a key belongs: known to everybody.
bool is_placeholder(std::string_view key) {
  constexpr std::string_view kPrefix = "sk-";
  constexpr std::array<std::string_view, 8> kBeginnings{"your-",    "your_",      "change-me", "change_me",
                                                        "changeme", "replace-me", "replaceme", "placeholder"};
  std::string lowered = text::lower(key);
  const bool elided = lowered.find("...") != std::string::npos || lowered.find_first_of("<>") != std::string::npos ||
                      lowered.find("xxxx") != std::string::npos;
  if (lowered.starts_with(kPrefix)) lowered.erase(0, kPrefix.size());
  return elided || std::any_of(kBeginnings.begin(), kBeginnings.end(),
                               [&](std::string_view beginning) { return lowered.starts_with(beginning); });
}

}  // namespace

std::optional<Error> read_auth_type(std::string_view text, EndpointAuth& into) {
  constexpr std::string_view kHeader = "header:";
  constexpr std::array<std::string_view, 4> kWords{"none", "bearer", "basic", "header:NAME"};
  constexpr std::array<AuthType, 3> kTypes{AuthType::none, AuthType::bearer, AuthType::basic};
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (text != kWords[i]) continue;
    into.type = kTypes[i];
    return std::nullopt;
  }
  if (!text.starts_with(kHeader)) {
    return bad(text::quoted(text) + " is not one of `none`, `bearer`, `basic`, `header:NAME`")
        .because(did_you_mean(text::closest_word(text, kWords)));
  }
  const std::string_view name = text.substr(kHeader.size());
  if (!is_token(name) || name.size() > kLongestName)
    return bad(text::quoted(name) + " is not the name of an HTTP header");
  if (is_reserved(name)) return bad("the header " + text::quoted(name) + " cannot carry a credential");
  into.type = AuthType::header;
  into.header = std::string{name};
  return std::nullopt;
}

std::optional<Error> check_auth(const EndpointAuth& auth) {
  if (auth.type == AuthType::none) return std::nullopt;
  const std::string& key = auth.key.reveal();
  if (key.empty()) return bad("the key is missing");
  if (key.size() > kLongestKey) return bad("the key is longer than 8 KiB");
  const bool basic = auth.type == AuthType::basic;
  if (basic && key.find(':') == std::string::npos) return bad("a basic key has the form user:password");
  // Basic credentials travel in Base64, which carries anything.
  if (basic || is_field_value(key)) return std::nullopt;
  return bad("the key has characters that no header can carry (visible ASCII only, no spaces at the ends)");
}

std::optional<Error> check_api_key(const Secret& key) {
  const std::string& text = key.reveal();
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (is_placeholder(text))
    return bad("this is the placeholder of an example, which everybody knows; choose a key of your own");
  if (text.size() < kShortestApiKey || text.size() > kLongestApiKey) return bad("a key has 8 to 512 characters");
  if (!visible) return bad("a key consists of visible ASCII characters without spaces");
  return std::nullopt;
}

}  // namespace intragate::config

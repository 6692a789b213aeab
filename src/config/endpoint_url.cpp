#include "config/endpoint_url.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "config/problems.h"

namespace intragate::config {
namespace {

constexpr std::size_t kLongestUrl = 2048;
constexpr std::size_t kLongestName = 253;  // RFC 1035 section 2.3.4
constexpr std::size_t kLongestLabel = 63;
constexpr std::uint16_t kPlainPort = 80;
constexpr std::uint16_t kTlsPort = 443;
constexpr std::string_view kScheme = "http://";
constexpr std::string_view kTlsScheme = "https://";

Error bad(std::string message, std::string_view meant = {}) {
  return make_error(Code::invalid_configuration, std::move(message)).because(did_you_mean(meant));
}

// What else people write than http, https, grpc and grpcs gets a sentence of its own.
std::optional<Error> check_scheme(std::string_view url) {
  const std::size_t end = url.find("://");
  const std::string scheme = text::lower(url.substr(0, end));
  if (end == std::string_view::npos) {
    const bool credentials = url.find('@') != std::string_view::npos;
    return bad("a URL begins with http:// or https://",
               credentials ? std::string{} : std::string{kScheme} + std::string{url});
  }
  constexpr std::array<std::string_view, 4> kSchemes{"http", "https", "grpc", "grpcs"};
  if (std::find(kSchemes.begin(), kSchemes.end(), scheme) != kSchemes.end()) return std::nullopt;
  return bad("a URL begins with http:// or https://, not " + text::quoted(scheme + "://"));
}

// A host name by RFC 952 and 1123, `_` as well because Docker Compose makes such names.
bool is_host_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);  // the root's dot: "look nowhere else"
  if (name.empty() || name.size() > kLongestName) return false;
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > kLongestLabel || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!text::is_letter(c) && !text::is_digit(c) && c != '-' && c != '_') return false;
    }
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// Names whose last label is a number would be addresses to some resolvers: 10.1, 0x7f.1, 010.0.0.1 are refused.
bool looks_like_v4(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string_view last = host.substr(host.rfind('.') + 1);
  const bool digits = !last.empty() && last.find_first_not_of("0123456789") == std::string_view::npos;
  return digits || last.starts_with("0x") || last.starts_with("0X");
}

Result<Unit> read_host(std::string_view text, Endpoint& into) {
  const bool bracketed = text.size() > 2 && text.front() == '[' && text.back() == ']';
  const std::string_view bare = bracketed ? text.substr(1, text.size() - 2) : text;
  if (bracketed || looks_like_v4(bare)) {
    Result<IpAddress> ip = IpAddress::parse(bare);
    const bool colons = bare.find(':') != std::string_view::npos;
    if (!ip || colons != bracketed) return bad(text::quoted(text) + " is not an IP address");
    into.host = ip->text();
    into.host_header = ip->is_v4() ? into.host : '[' + into.host + ']';
    return Unit{};
  }
  if (!is_host_name(text)) return bad("the URL has no usable host name: " + text::quoted(text));
  into.host = text::lower(text);
  into.host_header = into.host;
  return Unit{};
}

// host, host:port, [v6], [v6]:port.
Result<Unit> read_authority(std::string_view text, Endpoint& into) {
  const std::size_t colon = text.rfind(':');
  const std::size_t bracket = text.rfind(']');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || bracket < colon);
  Result<Unit> host = read_host(has_port ? text.substr(0, colon) : text, into);
  if (!host || !has_port) return host;
  const std::string_view digits = text.substr(colon + 1);
  const std::optional<std::uint64_t> port = text::parse_unsigned(digits);
  if (!port || *port == 0 || *port > 65535 || digits.size() > 5) {
    return bad("the port " + text::quoted(digits) + " is not a number from 1 to 65535");
  }
  into.port = static_cast<std::uint16_t>(*port);
  if (into.port != (into.tls ? kTlsPort : kPlainPort)) into.host_header += ':' + std::to_string(into.port);
  return Unit{};
}

bool is_path_byte(char c) {
  constexpr std::string_view kOthers = "-._~!$&'()*+,;=:@/%";  // RFC 3986 section 3.3; %XX is not looked into
  return text::is_letter(c) || text::is_digit(c) || kOthers.find(c) != std::string_view::npos;
}

// The call that a pasted URL ends in, if it does: such a URL is not the base.
std::string_view pasted_call(std::string_view path) {
  constexpr std::array<std::string_view, 6> kCalls{"/chat/completions", "/completions",          "/embeddings",
                                                   "/rerank",           "/audio/transcriptions", "/models"};
  for (const std::string_view call : kCalls) {
    if (path.ends_with(call)) return call;
  }
  return {};
}

Result<Unit> read_path(std::string_view path, Endpoint& into) {
  for (const char c : path) {
    if (!is_path_byte(c)) return bad("the URL's path has a character that URLs do not have");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::string_view call = pasted_call(path);
  if (!call.empty()) {
    const std::string base = std::string{into.tls ? kTlsScheme : kScheme} + into.host_header +
                             std::string{path.substr(0, path.size() - call.size())};
    return bad("the URL must be the base of the API, without " + text::quoted(call), base);
  }
  into.path = path.empty() ? "/v1" : std::string{path};
  return Unit{};
}

}  // namespace

Result<Endpoint> parse_endpoint_url(std::string_view url) {
  if (url.size() > kLongestUrl) return bad("the URL is longer than 2048 characters");
  if (std::optional<Error> scheme = check_scheme(url)) return *std::move(scheme);
  const std::size_t colon = url.find(':');
  const std::string scheme = text::lower(url.substr(0, colon));
  const bool tls = scheme.ends_with('s');
  const std::string_view rest = url.substr(colon + std::string_view{"://"}.size());
  const std::size_t end = rest.find_first_of("/?#");
  const std::string_view authority = rest.substr(0, end);
  const std::string_view tail = end == std::string_view::npos ? std::string_view{} : rest.substr(end);
  if (authority.find('@') != std::string_view::npos) {
    return bad("a URL must not hold a user or password; give them with `auth`");
  }
  if (tail.find_first_of("?#") != std::string_view::npos) return bad("the URL of an endpoint has no `?` and no `#`");

  Endpoint endpoint;
  endpoint.url = std::string{url};
  if (scheme.starts_with("grpc")) endpoint.dialect = kTritonGrpc;
  if (tls) {
    endpoint.tls.emplace();
    endpoint.port = kTlsPort;
  }
  Result<Unit> read = read_authority(authority, endpoint);
  if (read) read = read_path(tail, endpoint);
  if (!read) return std::move(read).error();
  return endpoint;
}

}  // namespace intragate::config

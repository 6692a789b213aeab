#include "admin/browser_guard.h"

#include "base/address.h"
#include "base/text.h"

namespace intragate::admin {
namespace {

// "http://HOST" or "https://HOST" where HOST is what the request was sent to.
bool is_same_site(std::string_view origin, std::string_view host) {
  const std::size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return false;  // "null" is somebody's, too
  return text::lower(origin.substr(scheme + 3)) == text::lower(host);
}

// What a browser says of the page that asks. `none`: the user himself, by the address bar.
bool is_foreign_fetch(std::string_view site) {
  return !site.empty() && site != "same-origin" && site != "none";
}

bool is_json(std::string_view content_type) {
  return text::lower(text::trim(content_type.substr(0, content_type.find(';')))) == "application/json";
}

}  // namespace

bool is_own_host(std::string_view host) {
  std::string_view name = host;
  if (name.starts_with('[')) {
    const std::size_t end = name.find(']');
    if (end == std::string_view::npos) return false;
    name = name.substr(1, end - 1);
  } else {
    name = name.substr(0, name.find(':'));
  }
  return text::lower(name) == "localhost" || static_cast<bool>(IpAddress::parse(name));
}

std::optional<Refusal> refuse_pages(const Provenance& from, Protection protection, Effect effect) {
  if (protection == Protection::none && !is_own_host(from.host)) {
    return Refusal{403, "Without an admin token, Host must be localhost or an IP address."};
  }
  const bool foreign_origin = !from.origin.empty() && !is_same_site(from.origin, from.host);
  if (foreign_origin || is_foreign_fetch(from.fetch_site)) {
    return Refusal{403, "Requests from pages of other sites are refused."};
  }
  if (effect == Effect::changes && !is_json(from.content_type)) {
    return Refusal{415, "The content type must be application/json."};
  }
  return std::nullopt;
}

}  // namespace intragate::admin

// Keeps web pages from using the admin address through an administrator's browser: what a page of another site makes a
// browser send (CSRF), or sends to its own name after letting it resolve to us (DNS rebinding), is refused.
// Owner: none, pure functions. Thread: any. Does not: check tokens (server.cpp does).
// Rule: Fetch standard (Origin; application/json is no simple content type), RFC 6454 (origins), Fetch Metadata Request
// Headers (Sec-Fetch-Site).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace intragate::admin {

// What a request says of where it comes from; empty: the header is absent.
struct Provenance {
  std::string_view host;
  std::string_view origin;
  std::string_view content_type;
  std::string_view fetch_site{};  // Sec-Fetch-Site
};
// Whether a proof has been asked for that no page can give: a token, which it cannot know, or a client certificate,
// which a browser shows only where the server's own name fits, so that no name of somebody else's leads here.
enum class Protection : std::uint8_t { proof, none };
enum class Effect : std::uint8_t { reads, changes };

struct Refusal {
  int status = 0;
  std::string_view message;
};
// Nothing: an administrator's own request.
[[nodiscard]] std::optional<Refusal> refuse_pages(const Provenance& from, Protection protection, Effect effect);

// `localhost` or an IP address, with or without a port: names that nobody else can make resolve to us.
[[nodiscard]] bool is_own_host(std::string_view host);

}  // namespace intragate::admin

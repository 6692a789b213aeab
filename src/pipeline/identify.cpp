#include "auth/bearer.h"
#include "auth/rules.h"
#include "base/error_table.h"
#include "base/log.h"
#include "net/digest.h"
#include "net/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/stations.h"
#include "pipeline/worker.h"

namespace intragate::pipeline {
namespace {

// Whoever guesses is told to wait before anything is hashed. Said in the log when it begins, because everybody behind
// that address waits.
void note_wrong_key(Exchange& x, const net::Sha256& digest) {
  if (x.many_behind_address) return;
  const config::WrongKeys& rule = x.snapshot->config->wrong_keys;
  const auto verdict = x.worker.wrong_keys().note(x.address, digest, rule, x.worker.loop().now());
  if (verdict != auth::WrongKeys::Verdict::refused) return;
  log::warning("too many wrong keys from an address: it has to wait",
               {{"address", x.address.text()}, {"seconds", rule.pause / std::chrono::seconds{1}}});
}

Error certificate_needed(const auth::Principal& principal, std::string_view why) {
  return make_error(Code::invalid_key, "This API key works only together with its client certificate (" +
                                           std::string{why} + "): ask your administrator.")
      .because("key " + principal.name);
}

// What a certificate can say against a caller whose key is known.
Result<Unit> check_certificate(const auth::Principal& principal, const net::Certificate* shown) {
  if (!principal.needs_both) return Unit{};
  if (shown == nullptr) return certificate_needed(principal, "none was shown");
  if (!auth::fits(*principal.certificate, *shown)) return certificate_needed(principal, "another one was shown");
  return Unit{};
}

// Clients of the Messages API have a header of their own for the key; `Authorization` counts where it is there.
bool by_bare_key(const Exchange& x) {
  const bool has = x.head.authorization.empty() && !x.head.api_key.empty();
  return has && x.target.route != nullptr && x.target.route->api == llm::Api::messages;
}

// A page can make a browser ask for it, and the certificate comes along: the browser's own, or that of a forwarder
// on its machine. A key it cannot know.
Error page_needs_key() {
  return make_error(
      Code::invalid_key,
      "Requests of web pages (Origin, Sec-Fetch-Site) need an API key: a certificate alone does not prove "
      "that somebody wanted them.");
}

// By certificate alone whoever sends no key; a wrong key is never made good by a certificate.
Result<Unit> find_principal(Exchange& x) {
  const Duration pause = x.worker.wrong_keys().refused(x.address, x.worker.loop().now());
  if (pause > Duration::zero() && !x.many_behind_address) {
    return make_error(Code::too_many_wrong_keys,
                      "Too many wrong API keys came from your address: wait before you try again, or ask your "
                      "administrator.")
        .after(pause);
  }
  const net::Certificate* shown = x.connection.peer_certificate();
  if (shown != nullptr && x.wall >= shown->not_after) {  // the connection may have outlived it
    return make_error(Code::invalid_key, "Your client certificate has expired: ask your administrator for a new one.");
  }
  if (shown != nullptr && x.head.authorization.empty() && !by_bare_key(x)) {
    x.principal = x.snapshot->keys.find(*shown);
    if (x.principal != nullptr && x.of_page) return page_needs_key();
    if (x.principal != nullptr) return auth::admit(*x.principal, x.address, x.wall);
  }
  Result<std::string_view> token =
      by_bare_key(x) ? auth::bare_token(x.head.api_key) : auth::bearer_token(x.head.authorization);
  if (!token) return std::move(token).error();
  const net::Sha256 digest = net::sha256(*token);
  Result<const auth::Principal*> principal = auth::identify(x.snapshot->keys, digest);
  if (!principal) {
    note_wrong_key(x, digest);
    return std::move(principal).error();
  }
  x.principal = *principal;  // also when it is not let in: the record names whose key was used
  Result<Unit> certified = check_certificate(*x.principal, shown);
  if (!certified) return certified;
  return auth::admit(*x.principal, x.address, x.wall);
}

}  // namespace

Passage Identify::pass(Exchange& x) {
  if (x.worker.draining()) {
    return make_error(Code::draining, "The gateway is restarting; please try again in a moment.");
  }
  if (x.worker.audit().full() && x.snapshot->config->audit.on_full == config::OnFull::refuse) {
    return make_error(
        Code::audit_unavailable,
        "The gateway cannot write its records and therefore serves no calls; its administrator has to make "
        "room on the disk.");
  }
  if (x.worker.audit().copies_full()) {
    return make_error(Code::audit_unavailable,
                      "The gateway cannot hand on its records and therefore serves no calls; its administrator has to "
                      "see to the place they go to.");
  }
  Result<Unit> known = find_principal(x);
  if (!known) {
    x.worker.metrics().counter(metrics::Metric::key_failures, {error_row(known.error().code).name}).add();
    return std::move(known).error();
  }
  x.principal->use->note(x.wall);
  if (x.principal->replaced_until) {
    x.worker.metrics().counter(metrics::Metric::replaced_key_uses, {x.principal->name}).add();
  }
  const config::Audit& audit = x.snapshot->config->audit;
  const config::Content content = x.principal->content.value_or(audit.content);
  if (content != config::Content::none) {
    x.transcript = std::make_unique<Transcript>(content, audit.max_content, x.worker.loop().buffers().meter());
  }
  return Next::go_on;
}

}  // namespace intragate::pipeline

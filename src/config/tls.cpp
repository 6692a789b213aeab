// `tls` of what listens and of what is connected to, wherever in the file it stands.
#include <algorithm>

#include "base/text.h"
#include "config/readers.h"
#include "config/tls_rules.h"
#include "net/certificate.h"

namespace intragate::config {
namespace {

// Notes when what `key` of `tls` holds ends, which of several ends first; one that has is worth a remark.
void note_end(Section& tls, std::vector<Expiry>& into, Expiry kind, const std::vector<WallTime>& ends) {
  if (ends.empty()) return;
  kind.at = *std::min_element(ends.begin(), ends.end());
  into.push_back(kind);
  if (kind.at > std::chrono::system_clock::now()) return;
  const bool chain = kind.of == "chain";
  const std::string_view key = chain ? "certificate" : kind.of;
  tls.warn(tls.place(key), '`' + tls.path(key) + '`' + (chain ? ": a certificate of its chain" : "") + " has expired");
}

// The gateway's own certificate and what stands between it and its authority.
void check_own(Section& tls, const std::string& pem, std::vector<Expiry>& into) {
  const Result<net::Certificate> facts = net::read_certificate(pem);
  if (!facts) return;  // said by whoever uses it
  note_end(tls, into, {"certificate", {}}, {facts->not_after});
  if (facts->not_before > std::chrono::system_clock::now())
    tls.warn(tls.place("certificate"), '`' + tls.path("certificate") + "` is not valid yet");
  std::vector<WallTime> chain = net::certificate_ends(pem);
  chain.erase(chain.begin());
  note_end(tls, into, {"chain", {}}, chain);
}

void read_pins(Section& tls, EndpointTls& into) {
  constexpr std::string_view kPrefix = "sha256:";
  for (const Scalar& pin : tls.names("pin")) {
    const std::string digits =
        text::lower(std::string_view{pin.text}.substr(std::min(pin.text.size(), kPrefix.size())));
    const bool hex = std::all_of(digits.begin(), digits.end(), [](char c) { return text::hex_value(c) >= 0; });
    if (pin.text.starts_with(kPrefix) && hex && digits.size() == 64) {
      into.pins.push_back(digits);
    } else {
      tls.problem(pin.place, "a pin is sha256: and 64 hexadecimal digits");
    }
  }
}

}  // namespace

void read_server_tls(Section& listener, std::optional<ListenTls>& into) {
  std::optional<Section> tls = listener.section("tls");
  if (!tls) return;
  into.emplace();
  tls->file_content("certificate", into->certificate);
  tls->private_content("key", into->key);
  const std::string asked = tls->choice("client_certificate");
  if (asked == "optional") into->client_certificate = net::ClientCertificate::optional;
  if (asked == "required") into->client_certificate = net::ClientCertificate::required;
  tls->file_content("client_ca", into->client_ca);
  tls->file_content("crl", into->crl);
  const bool asks = into->client_certificate != net::ClientCertificate::none;
  if (asks && !tls->has("client_ca"))
    return tls->problem(tls->place("client_certificate"), "client certificates need `client_ca`, who issues them");
  if (!asks && (tls->has("client_ca") || tls->has("crl")))
    return tls->problem(tls->place("client_ca"), "`client_ca` and `crl` need `client_certificate`",
                        "add `client_certificate: required` or `optional`");
  if (into->certificate.empty() || into->key.empty() || (asks && into->client_ca.empty())) return;  // said already
  check_own(*tls, into->certificate, into->expires);
  note_end(*tls, into->expires, {"client_ca", {}}, net::certificate_ends(into->client_ca));
  note_end(*tls, into->expires, {"crl", {}}, net::revocation_list_ends(into->crl));
  const auto context = net::TlsContext::server(rules_of(*into));
  if (!context) tls->problem(tls->place(), '`' + tls->path() + "`: " + context.error().message);
}

void read_client_tls(Section& tls, const std::string& host, EndpointTls& into) {
  tls.file_content("ca", into.ca);
  tls.file_content("certificate", into.certificate);
  tls.private_content("key", into.key);
  tls.text("server_name", into.server_name);
  read_pins(tls, into);
  tls.flag("dangerously_trust_anyone", into.dangerously_trust_anyone);
  if (into.dangerously_trust_anyone) {
    tls.warn(tls.place("dangerously_trust_anyone"), '`' + tls.path("dangerously_trust_anyone") +
                                                        "`: whoever stands in between can read and change everything");
  }
  if (tls.has("certificate") != tls.has("key"))
    return tls.problem(tls.place(), '`' + tls.path() + "`: `certificate` and `key` belong together");
  if (into.certificate.empty() != into.key.empty() || (tls.has("ca") && into.ca.empty())) return;  // said already
  check_own(tls, into.certificate, into.expires);
  note_end(tls, into.expires, {"ca", {}}, net::certificate_ends(into.ca));
  const auto context = net::TlsContext::client(rules_of(into, host));
  if (!context) tls.problem(tls.place(), '`' + tls.path() + "`: " + context.error().message);
}

void read_certificate_rule(Section& certificate, CertificateRule& into) {
  certificate.text("cn", into.cn);
  certificate.text("san", into.san);
  certificate.text("spiffe", into.spiffe);
  if (into == CertificateRule{})
    certificate.problem(certificate.place(), "a certificate is known by its `cn`, `san` or `spiffe`");
  if (!into.spiffe.empty() && !into.spiffe.starts_with("spiffe://"))
    certificate.problem(certificate.place("spiffe"), "a SPIFFE name begins with spiffe://");
}

}  // namespace intragate::config

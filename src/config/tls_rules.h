// `tls` of a listener and of an endpoint as net/ wants it. Views of the configuration. Thread: any. Does not: read
// files.
#pragma once

#include "config/config.h"
#include "net/tls.h"

namespace intragate::config {

[[nodiscard]] inline net::TlsServerRules rules_of(const ListenTls& tls) {
  return {.certificate = tls.certificate,
          .key = tls.key.reveal(),
          .client_certificate = tls.client_certificate,
          .client_ca = tls.client_ca,
          .crl = tls.crl};
}

[[nodiscard]] inline net::TlsClientRules rules_of(const EndpointTls& tls, const std::string& host) {
  return {.ca = tls.ca,
          .certificate = tls.certificate,
          .key = tls.key.reveal(),
          .name = tls.server_name.empty() ? host : tls.server_name,
          .pins = tls.pins,
          .verify = !tls.dangerously_trust_anyone};
}

// REQUIRES: the endpoint has `tls`.
[[nodiscard]] inline net::TlsClientRules rules_of(const Endpoint& endpoint) {
  net::TlsClientRules rules = rules_of(*endpoint.tls, endpoint.host);
  if (endpoint.dialect == kTritonGrpc) rules.protocol = net::TlsProtocol::http_2;
  return rules;
}

}  // namespace intragate::config

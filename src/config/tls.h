// `tls` of what listens and of what is connected to, as typed data, every default beside its field. Owner: the
// Config. Thread: any. Does not: read files, speak TLS (tls_rules.h leads to net/tls.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/secret.h"
#include "net/tls.h"

namespace intragate::config {

// When something that a `tls` needs comes to its end; of several of a kind the first one to end.
struct Expiry {
  std::string_view of;  // "certificate", "chain" (those between it and its authority), "client_ca", "ca", "crl"
  WallTime at;
  friend bool operator==(const Expiry&, const Expiry&) = default;
};

// Files are read when the configuration is: what they hold is part of it, so that a changed file is a changed
// configuration.
struct ListenTls {
  std::string certificate;  // PEM, here and below
  Secret key;
  net::ClientCertificate client_certificate = net::ClientCertificate::none;
  std::string client_ca;
  std::string crl;
  std::vector<Expiry> expires;
  friend bool operator==(const ListenTls&, const ListenTls&) = default;
};

// Of an endpoint whose URL says https, and of an audit copy.
struct EndpointTls {
  std::string ca;           // PEM, here and below; empty: the system's authorities
  std::string certificate;  // empty: none is shown
  Secret key;
  std::string server_name;        // what the certificate must name; empty: the URL's host
  std::vector<std::string> pins;  // SHA-256 of public keys, hex
  bool dangerously_trust_anyone = false;
  std::vector<Expiry> expires;  // the gateway's own certificate, and the authorities it trusts
  friend bool operator==(const EndpointTls&, const EndpointTls&) = default;
};

}  // namespace intragate::config

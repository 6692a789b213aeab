// What a certificate says about its holder, as plain data. Pure functions over PEM bytes. Thread: any.
// Does not: verify anything (tls.h does, in the handshake). Rule: RFC 5280.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

struct x509_st;

namespace intragate::net {

struct Certificate {
  std::string subject;             // one line, RFC 2253, for records
  std::string common_name;         // empty: none, or more than one
  std::vector<std::string> names;  // of subjectAltName: DNS names, mail addresses, IP addresses
  std::vector<std::string> uris;   // of subjectAltName: spiffe://… among them
  WallTime not_before;
  WallTime not_after;
};

// The first certificate of a PEM text. Errors: invalid_configuration.
[[nodiscard]] Result<Certificate> read_certificate(std::string_view pem);

// When the certificates of a PEM text end, in their order; when the lists of revoked ones of a PEM text do ("next
// update"; those without one are left out). What cannot be read ends the search: whoever uses the text says so.
[[nodiscard]] std::vector<WallTime> certificate_ends(std::string_view pem);
[[nodiscard]] std::vector<WallTime> revocation_list_ends(std::string_view pem);

[[nodiscard]] Certificate describe_certificate(const x509_st& certificate);

// What a pin says of a certificate's public key (SPKI): its SHA-256, in hexadecimal digits. Empty: it has none.
[[nodiscard]] std::string public_key_pin(const x509_st& certificate);
// Of the first certificate of a PEM text. Errors: invalid_configuration.
[[nodiscard]] Result<std::string> public_key_pin(std::string_view pem);

}  // namespace intragate::net

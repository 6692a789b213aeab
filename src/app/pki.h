// `intragate pki`: an offline authority for an intranet, kept in one folder (docs/pki.md). Exit codes: 0 good, 1 it
// could not be done or the answer is no. Thread: the main one. Does not: speak to a gateway; whoever uses the files
// reads them anew when they change.
#pragma once

#include <string>
#include <vector>

#include "app/commands.h"
#include "net/authority.h"

namespace intragate::app {

struct PkiOptions {
  std::string dir = "pki";
  std::string passphrase_file;  // of the authority's key; empty: $INTRAGATE_PKI_PASSPHRASE, or none
  std::string name;             // the authority's, or a certificate's; revoke also takes a serial number
  net::Purpose purpose = net::Purpose::server;
  net::KeyType key = net::KeyType::ec;
  std::vector<std::string> dns;
  std::vector<std::string> ips;
  std::vector<std::string> uris;
  std::string valid;  // a duration; empty: the default
  bool p12 = false;
  std::string p12_passphrase_file;  // empty: one is made, and printed once
  bool revoke_old = false;
  net::RevocationReason reason = net::RevocationReason::unspecified;
};

[[nodiscard]] int pki_init(const PkiOptions& options, Output output);
[[nodiscard]] int pki_issue(const PkiOptions& options, Output output);
[[nodiscard]] int pki_renew(const PkiOptions& options, Output output);
[[nodiscard]] int pki_revoke(const PkiOptions& options, Output output);
[[nodiscard]] int pki_crl(const PkiOptions& options, Output output);
[[nodiscard]] int pki_list(const PkiOptions& options, Output output);

}  // namespace intragate::app

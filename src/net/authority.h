// A certificate authority for an intranet: makes its own certificate, signs others, signs the list of revoked ones
// (OpenSSL behind it). Everything goes in and out as PEM text; whoever calls keeps the files (app/pki_folder.h).
// Owner: the caller. Thread: one at a time; blocking (it makes keys), not on a loop. Does not: read or write files,
// remember what it signed, read a clock.
// Rule: RFC 5280 (certificates, CRL), RFC 5958 (encrypted keys), RFC 7292 (PKCS#12).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "base/time.h"

struct x509_st;
struct evp_pkey_st;

namespace intragate::net {

enum class KeyType : std::uint8_t { ec, rsa };  // P-256, or RSA of 3072 bits

struct Validity {
  WallTime from;
  WallTime until;
};

// What a certificate may be used for: both of `server` and `model` prove who answers, `client` who asks. None of them
// can stand in for another kind of use, and none can sign.
enum class Purpose : std::uint8_t { server, client, model };

struct CertificateRequest {
  std::string name;  // the subject's common name
  Purpose purpose = Purpose::server;
  std::vector<std::string> dns;  // alternative names
  std::vector<IpAddress> addresses;
  std::vector<std::string> uris;  // SPIFFE ids, for instance
  KeyType key = KeyType::ec;
  Validity validity;
};

struct MadeCertificate {
  std::string serial;  // 32 hex digits
  std::string certificate;
  std::string key;
};

// As RFC 5280 numbers them.
enum class RevocationReason : std::uint8_t { unspecified = 0, key_compromise = 1, superseded = 4, cessation = 5 };

struct Revocation {
  std::string serial;
  WallTime at;
  RevocationReason reason = RevocationReason::unspecified;
};

class Authority {
 public:
  // Errors: internal (OpenSSL refused). An empty passphrase leaves the key unencrypted.
  static Result<MadeCertificate> make(const std::string& name, KeyType key, Validity validity,
                                      const std::string& passphrase);
  // Errors: io: no certificate, no key, a wrong passphrase, or a key that does not belong to the certificate.
  static Result<Authority> open(const std::string& certificate, const std::string& key, const std::string& passphrase);

  // A new key and a certificate for it. Errors: invalid_request (a name that cannot stand in a certificate), internal.
  [[nodiscard]] Result<MadeCertificate> issue(const CertificateRequest& request) const;
  // PEM. `number` must grow from list to list. Errors: invalid_request (a serial that is none), internal.
  [[nodiscard]] Result<std::string> revocation_list(const std::vector<Revocation>& revoked, std::uint64_t number,
                                                    Validity validity) const;
  [[nodiscard]] WallTime expires() const;

 private:
  struct FreeCertificate {
    void operator()(x509_st* certificate) const;
  };
  struct FreeKey {
    void operator()(evp_pkey_st* key) const;
  };
  using CertificatePtr = std::unique_ptr<x509_st, FreeCertificate>;
  using KeyPtr = std::unique_ptr<evp_pkey_st, FreeKey>;
  Authority(CertificatePtr certificate, KeyPtr key) : certificate_{std::move(certificate)}, key_{std::move(key)} {}

  CertificatePtr certificate_;
  KeyPtr key_;
};

// Whose certificate it is, and how long. Errors: io.
struct CertificateFacts {
  std::string name;
  WallTime expires;
};
[[nodiscard]] Result<CertificateFacts> certificate_facts(const std::string& certificate);

// How long a list of revoked certificates counts. Errors: io.
[[nodiscard]] Result<WallTime> revocation_list_expires(const std::string& list);

// Certificate, key and the authority's certificate in one encrypted file. Errors: internal.
[[nodiscard]] Result<std::string> pkcs12(const MadeCertificate& made, const std::string& authority,
                                         const std::string& name, const std::string& passphrase);

}  // namespace intragate::net

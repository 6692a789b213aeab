#include "net/authority.h"

#include <array>
#include <ctime>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/text.h"
#include "net/digest.h"

namespace intragate::net {
namespace {

constexpr int kIterations = 600'000;      // of PBKDF2 with HMAC-SHA-256: what OWASP asks for (2023)
constexpr std::size_t kLongestName = 64;  // ub-common-name of RFC 5280

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
template <class T, auto Function>
using Owned = std::unique_ptr<T, Free<Function>>;
using Bio = Owned<BIO, BIO_free_all>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Cert = Owned<X509, X509_free>;
using Serial = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;

Error refused(std::string_view doing) {
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  ERR_clear_error();
  return make_error(Code::internal, "OpenSSL could not " + std::string{doing}).because(reason.data());
}

std::string text_of(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string{};
}

Bio reading(const std::string& text) {
  return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

Bio writing() {
  return Bio{BIO_new(BIO_s_secmem())};  // keys pass through it
}

Key make_key(KeyType type) {
  return Key{type == KeyType::ec ? EVP_EC_gen("P-256") : EVP_RSA_gen(3072)};
}

Cert read_certificate(const std::string& pem) {
  return Cert{PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr)};
}

std::string certificate_text(X509* certificate) {
  const Bio out = writing();
  return PEM_write_bio_X509(out.get(), certificate) == 1 ? text_of(out.get()) : std::string{};
}

// PKCS#8, encrypted if there is a passphrase.
std::string key_text(EVP_PKEY* key, const std::string& passphrase) {
  const Bio out = writing();
  if (passphrase.empty()) {
    const int written = PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return written == 1 ? text_of(out.get()) : std::string{};
  }
  const Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> plain{EVP_PKEY2PKCS8(key)};
  if (!plain) return {};
  const Owned<X509_SIG, X509_SIG_free> sealed{PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase.data(),
                                                            static_cast<int>(passphrase.size()), nullptr, 16,
                                                            kIterations, plain.get())};
  return sealed && PEM_write_bio_PKCS8(out.get(), sealed.get()) == 1 ? text_of(out.get()) : std::string{};
}

// Instead of OpenSSL's own question at the terminal.
int give_passphrase(char* to, int room, int /*for_writing*/, void* passphrase) {
  const auto& text = *static_cast<const std::string*>(passphrase);
  if (text.empty() || text.size() > static_cast<std::size_t>(room)) return -1;
  text.copy(to, text.size());
  return static_cast<int>(text.size());
}

Key read_key(const std::string& pem, std::string passphrase) {
  return Key{PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, give_passphrase, &passphrase)};
}

std::time_t seconds(WallTime at) {
  return std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(at));
}

WallTime moment(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return WallTime{};
  return WallTime{std::chrono::seconds{timegm(&parts)}};
}

Serial random_serial(std::string& hex_digits) {
  std::array<unsigned char, 16> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return nullptr;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7FU) | 0x40U);  // positive, and always of the same length
  hex_digits = hex(bytes);
  const Owned<BIGNUM, BN_free> number{BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)};
  return Serial{number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr};
}

bool add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value)};
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_name(X509_NAME* name, const char* field, std::string_view value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

// Version, serial number, validity, subject and key; the issuer and what it allows come after.
Cert begin_certificate(EVP_PKEY* key, const std::string& name, Validity validity, std::string& serial) {
  Cert certificate{X509_new()};
  const Serial number = random_serial(serial);
  const bool begun = certificate && number && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                     X509_set_serialNumber(certificate.get(), number.get()) == 1 &&
                     ASN1_TIME_set(X509_getm_notBefore(certificate.get()), seconds(validity.from)) != nullptr &&
                     ASN1_TIME_set(X509_getm_notAfter(certificate.get()), seconds(validity.until)) != nullptr &&
                     X509_set_pubkey(certificate.get(), key) == 1 &&
                     set_name(X509_get_subject_name(certificate.get()), "CN", name);
  return begun ? std::move(certificate) : nullptr;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && !text::first_illegal_byte(name) &&
         name.find_first_of("\t\r\n") == std::string_view::npos;
}

// Letters, digits and hyphens between dots; the first label may be `*` (RFC 9525).
bool is_dns_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    for (const char c : label) {
      if (!text::is_letter(c) && !text::is_digit(c) && c != '-') return false;
    }
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

// A scheme, `://`, and visible ASCII without what would end it in a list or a log.
bool is_uri(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == 0 || scheme == std::string_view::npos || uri.size() > 2048 || uri.size() == scheme + 3) return false;
  for (const char c : uri) {
    if (c <= ' ' || c > '~' || c == ',' || c == '"' || c == '<' || c == '>' || c == '\\') return false;
  }
  return true;
}

bool push_name(GENERAL_NAMES* names, int type, ASN1_STRING* value) {
  GENERAL_NAME* const entry = GENERAL_NAME_new();
  if (entry == nullptr || value == nullptr || sk_GENERAL_NAME_push(names, entry) <= 0) {
    GENERAL_NAME_free(entry);
    ASN1_STRING_free(value);
    return false;
  }
  GENERAL_NAME_set0_value(entry, type, value);
  return true;
}

ASN1_STRING* bytes_as(int type, const void* bytes, std::size_t size) {
  ASN1_STRING* const value = ASN1_STRING_type_new(type);
  if (value != nullptr) ASN1_STRING_set(value, bytes, static_cast<int>(size));
  return value;
}

// Built piece by piece, never from text: a comma in a name can add nothing.
bool add_alternative_names(X509* certificate, const CertificateRequest& request) {
  if (request.dns.empty() && request.addresses.empty() && request.uris.empty()) return true;
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names{GENERAL_NAMES_new()};
  if (!names) return false;
  for (const std::string& name : request.dns) {
    if (!push_name(names.get(), GEN_DNS, bytes_as(V_ASN1_IA5STRING, name.data(), name.size()))) return false;
  }
  for (const IpAddress& address : request.addresses) {
    const std::size_t skip = address.is_v4() ? 12 : 0;
    const auto* const from = address.bytes().data() + skip;
    if (!push_name(names.get(), GEN_IPADD, bytes_as(V_ASN1_OCTET_STRING, from, 16 - skip))) return false;
  }
  for (const std::string& uri : request.uris) {
    if (!push_name(names.get(), GEN_URI, bytes_as(V_ASN1_IA5STRING, uri.data(), uri.size()))) return false;
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

Result<Unit> check(const CertificateRequest& request) {
  if (!is_name(request.name)) return make_error(Code::invalid_request, "a name has 1 to 64 bytes of plain text");
  for (const std::string& name : request.dns) {
    if (!is_dns_name(name)) return make_error(Code::invalid_request, text::quoted(name) + " is no DNS name");
  }
  for (const std::string& uri : request.uris) {
    if (!is_uri(uri)) return make_error(Code::invalid_request, text::quoted(uri) + " is no URI");
  }
  const bool answers = request.purpose != Purpose::client;
  if (answers && request.dns.empty() && request.addresses.empty()) {
    return make_error(Code::invalid_request,
                      "a server needs the names and addresses that clients call it by: --dns or --ip");
  }
  return Unit{};
}

// No X509_sign with a null digest: neither P-256 nor RSA has one of its own.
bool sign(X509* certificate, EVP_PKEY* key) {
  return X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

void Authority::FreeCertificate::operator()(x509_st* certificate) const {
  X509_free(certificate);
}
void Authority::FreeKey::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

Result<MadeCertificate> Authority::make(const std::string& name, KeyType type, Validity validity,
                                        const std::string& passphrase) {
  if (!is_name(name)) return make_error(Code::invalid_request, "a name has 1 to 64 bytes of plain text");
  const Key key = make_key(type);
  if (!key) return refused("make a key");
  MadeCertificate made;
  const Cert certificate = begin_certificate(key.get(), name, validity, made.serial);
  X509* const raw = certificate.get();
  const bool whole = certificate && X509_set_issuer_name(raw, X509_get_subject_name(raw)) == 1 &&
                     add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                     add_extension(raw, raw, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                     add_extension(raw, raw, NID_subject_key_identifier, "hash") && sign(raw, key.get());
  if (!whole) return refused("make the authority's certificate");
  made.certificate = certificate_text(raw);
  made.key = key_text(key.get(), passphrase);
  if (made.certificate.empty() || made.key.empty()) return refused("write the authority's certificate and key");
  return made;
}

Result<Authority> Authority::open(const std::string& certificate, const std::string& key,
                                  const std::string& passphrase) {
  ERR_clear_error();
  CertificatePtr read{read_certificate(certificate).release()};
  if (!read) return make_error(Code::io, "the authority's certificate cannot be read: it is no PEM certificate");
  KeyPtr secret{read_key(key, passphrase).release()};
  ERR_clear_error();
  if (!secret && key.find("ENCRYPTED") != std::string::npos) {
    return make_error(Code::io, passphrase.empty() ? "the authority's key has a passphrase: give --passphrase-file"
                                                   : "the passphrase does not open the authority's key");
  }
  if (!secret) return make_error(Code::io, "the authority's key cannot be read: it is no PEM key");
  if (X509_check_private_key(read.get(), secret.get()) != 1) {
    ERR_clear_error();
    return make_error(Code::io, "the authority's key does not belong to its certificate");
  }
  return Authority{std::move(read), std::move(secret)};
}

Result<MadeCertificate> Authority::issue(const CertificateRequest& request) const {
  if (Result<Unit> fits = check(request); !fits) return std::move(fits).error();
  const Key key = make_key(request.key);
  if (!key) return refused("make a key");
  MadeCertificate made;
  const Cert certificate = begin_certificate(key.get(), request.name, request.validity, made.serial);
  X509* const raw = certificate.get();
  X509* const issuer = certificate_.get();
  const bool answers = request.purpose != Purpose::client;
  const bool old_exchange = answers && request.key == KeyType::rsa;  // RSA key exchange of TLS 1.2
  const bool whole =
      certificate && X509_set_issuer_name(raw, X509_get_subject_name(issuer)) == 1 &&
      add_extension(raw, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
      add_extension(raw, issuer, NID_key_usage,
                    old_exchange ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature") &&
      add_extension(raw, issuer, NID_ext_key_usage, answers ? "serverAuth" : "clientAuth") &&
      add_extension(raw, issuer, NID_subject_key_identifier, "hash") &&
      add_extension(raw, issuer, NID_authority_key_identifier, "keyid:always") && add_alternative_names(raw, request) &&
      sign(raw, key_.get());
  if (!whole) return refused("make the certificate");
  made.certificate = certificate_text(raw);
  made.key = key_text(key.get(), "");
  if (made.certificate.empty() || made.key.empty()) return refused("write the certificate and its key");
  return made;
}

namespace {

bool add_revocation(X509_CRL* list, const Revocation& revocation) {
  BIGNUM* digits = nullptr;
  if (revocation.serial.empty() || revocation.serial.size() > 40) return false;
  if (BN_hex2bn(&digits, revocation.serial.c_str()) != static_cast<int>(revocation.serial.size())) {
    BN_free(digits);
    return false;
  }
  const Owned<BIGNUM, BN_free> number{digits};
  const Serial serial{BN_to_ASN1_INTEGER(number.get(), nullptr)};
  const Owned<ASN1_TIME, ASN1_TIME_free> at{ASN1_TIME_set(nullptr, seconds(revocation.at))};
  Owned<X509_REVOKED, X509_REVOKED_free> entry{X509_REVOKED_new()};
  if (!serial || !at || !entry || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
      X509_REVOKED_set_revocationDate(entry.get(), at.get()) != 1) {
    return false;
  }
  if (revocation.reason != RevocationReason::unspecified) {  // which RFC 5280 wants left out
    const Owned<ASN1_ENUMERATED, ASN1_ENUMERATED_free> reason{ASN1_ENUMERATED_new()};
    if (!reason || ASN1_ENUMERATED_set(reason.get(), static_cast<long>(revocation.reason)) != 1 ||
        X509_REVOKED_add1_ext_i2d(entry.get(), NID_crl_reason, reason.get(), 0, X509V3_ADD_DEFAULT) != 1) {
      return false;
    }
  }
  if (X509_CRL_add0_revoked(list, entry.get()) != 1) return false;
  static_cast<void>(entry.release());  // the list's now
  return true;
}

bool number_list(X509_CRL* list, X509* issuer, std::uint64_t number) {
  const Serial value{ASN1_INTEGER_new()};
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, nullptr, nullptr, list, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> key{
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always")};
  return value && key && ASN1_INTEGER_set_uint64(value.get(), number) == 1 &&
         X509_CRL_add1_ext_i2d(list, NID_crl_number, value.get(), 0, X509V3_ADD_DEFAULT) == 1 &&
         X509_CRL_add_ext(list, key.get(), -1) == 1;
}

}  // namespace

Result<std::string> Authority::revocation_list(const std::vector<Revocation>& revoked, std::uint64_t number,
                                               Validity validity) const {
  const Owned<X509_CRL, X509_CRL_free> list{X509_CRL_new()};
  const Owned<ASN1_TIME, ASN1_TIME_free> from{ASN1_TIME_set(nullptr, seconds(validity.from))};
  const Owned<ASN1_TIME, ASN1_TIME_free> until{ASN1_TIME_set(nullptr, seconds(validity.until))};
  const bool begun = list && from && until && X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
                     X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(certificate_.get())) == 1 &&
                     X509_CRL_set1_lastUpdate(list.get(), from.get()) == 1 &&
                     X509_CRL_set1_nextUpdate(list.get(), until.get()) == 1 &&
                     number_list(list.get(), certificate_.get(), number);
  if (!begun) return refused("make the list of revoked certificates");
  for (const Revocation& revocation : revoked) {
    if (!add_revocation(list.get(), revocation)) {
      return make_error(Code::invalid_request, text::quoted(revocation.serial) + " is no serial number");
    }
  }
  const Bio out = writing();
  const bool signed_now = X509_CRL_sort(list.get()) == 1 && X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0 &&
                          PEM_write_bio_X509_CRL(out.get(), list.get()) == 1;
  if (!signed_now) return refused("sign the list of revoked certificates");
  return text_of(out.get());
}

WallTime Authority::expires() const {
  return moment(X509_get0_notAfter(certificate_.get()));
}

Result<CertificateFacts> certificate_facts(const std::string& certificate) {
  const Cert read = read_certificate(certificate);
  ERR_clear_error();
  if (!read) return make_error(Code::io, "the certificate cannot be read: it is no PEM certificate");
  std::array<char, 256> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(read.get()), NID_commonName, name.data(),
                            static_cast<int>(name.size()));
  return CertificateFacts{.name = name.data(), .expires = moment(X509_get0_notAfter(read.get()))};
}

Result<WallTime> revocation_list_expires(const std::string& list) {
  const Owned<X509_CRL, X509_CRL_free> read{PEM_read_bio_X509_CRL(reading(list).get(), nullptr, nullptr, nullptr)};
  ERR_clear_error();
  if (!read) return make_error(Code::io, "the list of revoked certificates cannot be read");
  return moment(X509_CRL_get0_nextUpdate(read.get()));
}

namespace {
void free_stack(STACK_OF(X509) * stack) {  // OpenSSL's own is a macro
  sk_X509_free(stack);
}
}  // namespace

Result<std::string> pkcs12(const MadeCertificate& made, const std::string& authority, const std::string& name,
                           const std::string& passphrase) {
  const Cert certificate = read_certificate(made.certificate);
  const Key key = read_key(made.key, "");
  Cert issuer = read_certificate(authority);
  const Owned<STACK_OF(X509), free_stack> chain{sk_X509_new_null()};
  if (!certificate || !key || !issuer || !chain || sk_X509_push(chain.get(), issuer.get()) <= 0) {
    return refused("read the certificate and its key");
  }
  const Owned<PKCS12, PKCS12_free> file{PKCS12_create(passphrase.c_str(), name.c_str(), key.get(), certificate.get(),
                                                      chain.get(), NID_aes_256_cbc, NID_aes_256_cbc, kIterations,
                                                      kIterations, 0)};
  const Bio out = writing();
  if (!file || i2d_PKCS12_bio(out.get(), file.get()) != 1) return refused("make the PKCS#12 file");
  return text_of(out.get());
}

}  // namespace intragate::net

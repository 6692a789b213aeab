#include "net/tls.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>

#include "base/address.h"
#include "base/text.h"
#include "base/time.h"
#include "net/certificate.h"
#include "net/digest.h"
#include "net/openssl_handles.h"

namespace intragate::net {
namespace {

constexpr Duration kTicketKeyAge = std::chrono::hours{6};
constexpr long kSessionSeconds = 2 * 60 * 60;  // less than two ages of a ticket's key
// AES-128 first: no weaker than the curves that agree on its key, and a handshake costs a fourteenth less (SHA-256 in
// place of SHA-384). Whoever wants 256 bits offers nothing else.
constexpr const char* kCiphers13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kCiphers12 = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20";

Error wrong(std::string message) {
  return make_error(Code::invalid_configuration, std::move(message));
}

// A key that asks for a password has none: nobody is there to type it.
int no_password(char* /*into*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

bool has_no_more() {
  const unsigned long code = ERR_peek_last_error();
  const bool ended = code == 0 || (ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE);
  if (ended) ERR_clear_error();
  return ended;
}

Result<Unit> use_certificate(SSL_CTX* context, std::string_view pem, std::string_view key_pem) {
  ERR_clear_error();
  const BioHandle in = reader_of(pem);
  const CertificateHandle leaf{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
  if (leaf == nullptr) return wrong("the certificate file holds no certificate in PEM form");
  if (SSL_CTX_use_certificate(context, leaf.get()) != 1)
    return wrong("the certificate cannot be used: " + openssl_reason());
  for (;;) {
    CertificateHandle next{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(context, next.get()) != 1)
      return wrong("the certificate's chain cannot be used: " + openssl_reason());
    (void)next.release();
  }
  if (!has_no_more()) return wrong("the certificate file is damaged: " + openssl_reason());
  const BioHandle key_in = reader_of(key_pem);
  const KeyHandle key{PEM_read_bio_PrivateKey(key_in.get(), nullptr, no_password, nullptr)};
  if (key == nullptr) {
    ERR_clear_error();
    return wrong("the key file holds no private key in PEM form (one with a password cannot be used)");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return wrong("the key does not belong to the certificate");
  }
  return Unit{};
}

enum class Named : std::uint8_t { yes, no };  // whether clients are told which authorities count

Result<Unit> trust(SSL_CTX* context, std::string_view pem, Named named) {
  ERR_clear_error();
  const BioHandle in = reader_of(pem);
  int found = 0;
  for (;; ++found) {
    const CertificateHandle authority{PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)};
    if (authority == nullptr) break;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1)
      return wrong("an authority cannot be used: " + openssl_reason());
    if (named == Named::yes) SSL_CTX_add_client_CA(context, authority.get());
  }
  if (!has_no_more()) return wrong("the file of authorities is damaged: " + openssl_reason());
  if (found == 0) return wrong("the file of authorities holds no certificate in PEM form");
  return Unit{};
}

Result<Unit> revoke(SSL_CTX* context, std::string_view pem) {
  ERR_clear_error();
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  const BioHandle in = reader_of(pem);
  int found = 0;
  for (;; ++found) {
    const CrlHandle list{PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)};
    if (list == nullptr) break;
    if (X509_STORE_add_crl(store, list.get()) != 1)
      return wrong("a revocation list cannot be used: " + openssl_reason());
  }
  if (!has_no_more()) return wrong("the revocation list is damaged: " + openssl_reason());
  if (found == 0) return wrong("the file of revocations holds no list in PEM form");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return Unit{};
}

void prepare(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_ciphersuites(context, kCiphers13);
  SSL_CTX_set_cipher_list(context, kCiphers12);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  // What is shown is what the file holds; or else every handshake looks for issuers among those of the peers, and
  // verifies its own certificate.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);  // one recv for a record, or for many
  SSL_CTX_set_timeout(context, kSessionSeconds);
}

constexpr std::array<unsigned char, 9> kHttp11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
constexpr std::array<unsigned char, 3> kHttp2{2, 'h', '2'};

// Clients that offer protocols and not this one get no answer about it, as if they had not asked.
// NOLINTNEXTLINE(readability-function-size): OpenSSL's signature
int choose_protocol(SSL* /*session*/, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void* /*data*/) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kHttp11.data(), kHttp11.size(), offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

// Tickets hold a session at the client's; their keys change, and are the same for all loops.
struct TlsContext::Tickets {
  struct Key {
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };
  std::mutex mutex;
  Key current;
  Key previous;
  TimePoint made{};

  template <std::size_t N>
  static bool fill(std::array<unsigned char, N>& bytes) {
    return RAND_bytes(bytes.data(), static_cast<int>(N)) == 1;
  }
  static bool fill(Key& key) { return fill(key.name) && fill(key.cipher) && fill(key.mac); }
  bool renew(TimePoint now) {
    if (made != TimePoint{} && now - made < kTicketKeyAge) return true;
    const bool very_first = made == TimePoint{};
    Key fresh;
    if (!fill(fresh) || (very_first && !fill(current))) return false;
    previous = std::exchange(current, fresh);
    made = now;
    return true;
  }
};

// The session that the endpoint gave last: the next connection asks to go on with it.
struct TlsContext::Resumption {
  std::mutex mutex;
  SessionHandle last;
};

TlsContext::TlsContext(SSL_CTX* context) : context_{context} {
  SSL_CTX_set_app_data(context_, this);
  prepare(context_);
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

// NOLINTNEXTLINE(readability-function-size): OpenSSL's signature
int TlsContext::on_ticket(SSL* session, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                          EVP_MAC_CTX* mac, int encrypting) {
  Tickets& tickets = *static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)))->tickets_;
  Tickets::Key key;
  int verdict = 1;
  {
    const std::lock_guard lock{tickets.mutex};
    if (!tickets.renew(MonotonicClock::now())) return -1;
    key = tickets.current;
    if (encrypting == 0 && std::memcmp(name, key.name.data(), key.name.size()) != 0) {
      key = tickets.previous;
      verdict = 2;  // good, and to be replaced
      if (std::memcmp(name, key.name.data(), key.name.size()) != 0) return 0;
    }
  }
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  if (encrypting != 0) {
    std::memcpy(name, key.name.data(), key.name.size());
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
    const bool ready = EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
                       EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
    return ready ? 1 : -1;
  }
  const bool ready = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher.data(), iv) == 1 &&
                     EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
  return ready ? verdict : -1;
}

int TlsContext::on_session(SSL* session, SSL_SESSION* resumable) {
  Resumption& resumption = *static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)))->resumption_;
  const std::lock_guard lock{resumption.mutex};
  resumption.last.reset(resumable);
  return 1;  // kept here
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsServerRules& rules) {
  SSL_CTX* const c = SSL_CTX_new(TLS_server_method());
  if (c == nullptr) return wrong("OpenSSL: " + openssl_reason());
  const std::shared_ptr<TlsContext> made{new TlsContext{c}};
  made->tickets_ = std::make_unique<Tickets>();
  Result<Unit> done = use_certificate(c, rules.certificate, rules.key);
  if (!done) return std::move(done).error();
  SSL_CTX_set_alpn_select_cb(c, choose_protocol, nullptr);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // clients keep their sessions, in tickets
  SSL_CTX_set_num_tickets(c, 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(c, on_ticket);
  constexpr std::string_view kPurpose = "intragate";
  SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>(kPurpose.data()), kPurpose.size());
  if (rules.client_certificate == ClientCertificate::none) return std::shared_ptr<const TlsContext>{made};
  made->asks_clients_ = true;
  done = trust(c, rules.client_ca, Named::yes);
  if (done && !rules.crl.empty()) done = revoke(c, rules.crl);
  if (!done) return std::move(done).error();
  const bool required = rules.client_certificate == ClientCertificate::required;
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return std::shared_ptr<const TlsContext>{made};
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsClientRules& rules) {
  SSL_CTX* const c = SSL_CTX_new(TLS_client_method());
  if (c == nullptr) return wrong("OpenSSL: " + openssl_reason());
  const std::shared_ptr<TlsContext> made{new TlsContext{c}};
  made->resumption_ = std::make_unique<Resumption>();
  made->name_ = rules.name;
  made->pins_ = rules.pins;
  Result<Unit> done = Unit{};
  if (!rules.certificate.empty()) done = use_certificate(c, rules.certificate, rules.key);
  if (done && !rules.ca.empty()) done = trust(c, rules.ca, Named::no);
  if (!done) return std::move(done).error();
  if (rules.ca.empty()) SSL_CTX_set_default_verify_paths(c);
  const bool http_2 = rules.protocol == TlsProtocol::http_2;
  SSL_CTX_set_alpn_protos(c, http_2 ? kHttp2.data() : kHttp11.data(), http_2 ? kHttp2.size() : kHttp11.size());
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(c, on_session);
  SSL_CTX_set_verify(c, rules.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  X509_VERIFY_PARAM* names = SSL_CTX_get0_param(c);
  X509_VERIFY_PARAM_set_hostflags(names, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool address = static_cast<bool>(IpAddress::parse(rules.name));
  const int named = address ? X509_VERIFY_PARAM_set1_ip_asc(names, rules.name.c_str())
                            : X509_VERIFY_PARAM_set1_host(names, rules.name.c_str(), rules.name.size());
  if (named != 1) return wrong("the server's name cannot be used: " + text::quoted(rules.name));
  return std::shared_ptr<const TlsContext>{made};
}

SSL* TlsContext::open() const {
  SSL* const session = SSL_new(context_);
  if (session == nullptr) return nullptr;
  if (resumption_ == nullptr) {
    SSL_set_accept_state(session);
    return session;
  }
  SSL_set_connect_state(session);
  if (!IpAddress::parse(name_)) SSL_set_tlsext_host_name(session, name_.c_str());
  const std::lock_guard lock{resumption_->mutex};
  if (resumption_->last != nullptr) SSL_set_session(session, resumption_->last.get());
  return session;
}

bool TlsContext::pinned(const SSL* session) const {
  if (pins_.empty()) return true;
  const X509* const certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr) return false;
  return std::find(pins_.begin(), pins_.end(), public_key_pin(*certificate)) != pins_.end();
}

}  // namespace intragate::net

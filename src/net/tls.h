// How TLS is spoken at one listener or towards one endpoint: certificate, authorities, rules. Immutable; a reload makes
// another one, connections keep theirs. Owner: shared by whoever opens connections with it. Thread: any (OpenSSL locks
// what changes inside: sessions, ticket keys). Does not: read files, move bytes (tls_stream.h does).
// Rule: TLS 1.2 and 1.3, forward secrecy only, no renegotiation, no compression, no early data.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;
struct evp_cipher_ctx_st;
struct evp_mac_ctx_st;

namespace intragate::net {

enum class ClientCertificate : std::uint8_t { none, optional, required };

// All texts are PEM.
struct TlsServerRules {
  std::string_view certificate;  // with what is between it and the authority
  std::string_view key;
  ClientCertificate client_certificate = ClientCertificate::none;
  std::string_view client_ca;
  std::string_view crl;  // of every authority in a client's chain; empty: nothing is revoked
};

enum class TlsProtocol : std::uint8_t { http_1_1, http_2 };  // what is offered above TLS (ALPN)

struct TlsClientRules {
  std::string_view ca;           // empty: those of the system
  std::string_view certificate;  // empty: none is shown
  std::string_view key;
  std::string name;                 // what the server's certificate must name: a host name or an address
  std::vector<std::string> pins{};  // SHA-256 of public keys in hex, one of which the server must have; empty: any
  bool verify = true;
  TlsProtocol protocol = TlsProtocol::http_1_1;
};

class TlsContext {
 public:
  // Errors: invalid_configuration, for people, without a secret.
  static Result<std::shared_ptr<const TlsContext>> server(const TlsServerRules& rules);
  static Result<std::shared_ptr<const TlsContext>> client(const TlsClientRules& rules);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A new session of a connection, which its owner frees; null without memory.
  [[nodiscard]] ssl_st* open() const;
  // After a handshake as a client: whether the server's public key is one of the pins.
  [[nodiscard]] bool pinned(const ssl_st* session) const;
  [[nodiscard]] bool serves() const { return resumption_ == nullptr; }
  [[nodiscard]] bool asks_clients() const { return asks_clients_; }

 private:
  struct Tickets;
  struct Resumption;
  explicit TlsContext(ssl_ctx_st* context);
  static int on_ticket(ssl_st* session, unsigned char* name, unsigned char* iv, evp_cipher_ctx_st* cipher,
                       evp_mac_ctx_st* mac, int encrypting);
  static int on_session(ssl_st* session, ssl_session_st* resumable);

  ssl_ctx_st* context_;
  std::string name_;
  std::vector<std::string> pins_;
  bool asks_clients_ = false;
  std::unique_ptr<Tickets> tickets_;        // of a server
  std::unique_ptr<Resumption> resumption_;  // of a client
};

}  // namespace intragate::net

// TLS on one socket: the same promises as net::Socket's reads and writes, which come here when a socket speaks TLS.
// Owner: the socket. Thread: its loop. Does not: wait (socket.h does), decide who is trusted (tls.h).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/certificate.h"
#include "net/socket.h"
#include "net/tls.h"

struct ssl_st;
struct bio_st;

namespace intragate::net {

class TlsStream {
 public:
  // `early`: what was read from the socket already.
  TlsStream(std::shared_ptr<const TlsContext> context, Descriptor& descriptor, std::string early);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  enum class Step : std::uint8_t { done, needs_read, needs_write, closed, failed };
  [[nodiscard]] Step handshake();
  // What a failed handshake failed of, for the log.
  [[nodiscard]] const std::string& reason() const { return reason_; }
  // The peer speaks plain HTTP.
  [[nodiscard]] bool plain_http() const { return plain_http_; }

  Socket::Moved read(std::span<char> space);
  Socket::Moved write(std::span<const std::string_view> pieces);
  // Whether something lies unread that is no mere handshake message, or the end.
  [[nodiscard]] bool speaks();
  // Tells the peer that this is the end; without it, what was said looks cut off.
  void say_goodbye();
  void forget_goodbye() { broken_ = true; }

  [[nodiscard]] const TlsContext& context() const { return *context_; }
  [[nodiscard]] const Certificate* peer() const { return peer_.get(); }
  [[nodiscard]] bool resumed() const;
  // What was agreed on: "TLSv1.3".
  [[nodiscard]] std::string_view version() const;

 private:
  struct Bio;
  Socket::Io end_of(int result);
  void note_failure();
  int receive(char* into, int size);
  int send(const char* bytes, int size);
  int send_with_ticket(const char* bytes, int size);

  std::shared_ptr<const TlsContext> context_;
  Descriptor& descriptor_;
  ssl_st* session_;
  bio_st* bio_ = nullptr;
  std::string early_;
  std::string ticket_;  // a server's, which leaves with the first answer
  std::string reason_;
  std::unique_ptr<Certificate> peer_;
  bool ready_ = false;   // the handshake is done
  bool broken_ = false;  // nothing more can be said
  bool plain_http_ = false;
};

}  // namespace intragate::net

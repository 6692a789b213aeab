// The answer on its way to the client: whether its head was sent (then an error must be an event, not a status), how
// much of its body, whether it is whole. Owner: the exchange. Thread: one loop. Does not: decide what to say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_connection.h"

namespace intragate::pipeline {

struct Exchange;

class Reply {
 public:
  explicit Reply(net::HttpConnection& connection) : connection_{connection} {}

  struct Head {
    int status = 200;
    std::string_view content_type = "application/json";
    std::string_view extra;  // further header lines, each with its CRLF
  };
  // One whole answer in one write. Returns false when the client could not be given all of it.
  [[nodiscard]] net::Task<bool> send_whole(Exchange& x, Head head, std::string_view body);
  // The same without waiting: true when all of it went out at once; else the caller awaits send_whole_rest with the
  // same body.
  [[nodiscard]] bool send_whole_now(Exchange& x, const Head& head, std::string_view body);
  [[nodiscard]] net::Task<bool> send_whole_rest(const Exchange& x, std::string_view body);

  // Starts an answer of unknown length (chunked; until close for HTTP/1.0), or of a known one when `length` is set.
  // Only prepares the head: it leaves together with the first body bytes.
  void begin(Exchange& x, Head head, std::optional<std::uint64_t> length);
  // One piece of the body as it has to be sent: a chunk of its own where chunked() says so. REQUIRES: not empty.
  [[nodiscard]] std::string framed(std::string_view piece) const;
  // Body bytes, framed already by the caller where chunked() says so. `payload`: how many of them are body.
  // Returns true when all went out at once; else the caller awaits send_rest with the same bytes, which
  // waits for the client until the call's deadline. If an operator cancels that wait, what is left goes out in front of
  // the next piece: the words that say so.
  [[nodiscard]] bool send_now(std::string_view framed, std::size_t payload);
  [[nodiscard]] net::Task<bool> send_rest(const Exchange& x, std::string_view framed);
  // The end of the body was sent.
  void end() { ended_ = true; }
  [[nodiscard]] bool ended() const { return ended_; }
  // The model's own words about what went wrong went out: nothing is to be added.
  void error_told() { error_told_ = true; }
  [[nodiscard]] bool is_error_told() const { return error_told_; }

  [[nodiscard]] bool chunked() const { return chunked_; }
  // Neither chunked nor of a known length.
  [[nodiscard]] bool ends_by_close() const { return ends_by_close_; }
  [[nodiscard]] bool head_sent() const { return head_sent_; }
  [[nodiscard]] int status() const { return status_; }          // 0: none sent
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // of body
  // The connection can serve another request: the answer is whole and its end is clear.
  [[nodiscard]] bool reusable() const { return ended_ && keep_; }

 private:
  void write_head(Exchange& x, const Head& head, std::optional<std::uint64_t> length);

  net::HttpConnection& connection_;
  std::string head_;  // prepared, not sent yet; or what is left of a piece whose sending an operator cancelled
  std::uint64_t bytes_ = 0;
  std::size_t pending_ = 0;  // body bytes of the pieces that have not gone out whole
  std::size_t sent_ = 0;     // of head_ and the bytes being sent
  int status_ = 0;
  bool chunked_ = false;
  bool ends_by_close_ = false;
  bool head_sent_ = false;
  bool keep_ = false;
  bool ended_ = false;
  bool error_told_ = false;
};

}  // namespace intragate::pipeline

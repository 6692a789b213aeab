// One answer of a model server as it came, with what Dify's client would notice of it: the bytes, and when they came.
// Plain data, made by wire.h. Owner: the check.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace intragate::check {

// One read from the connection.
struct Arrival {
  Duration at{};         // since the request was sent
  std::size_t size = 0;  // of the body until then
};

struct Answer {
  int status = 0;
  std::string content_type{};  // in lower case
  std::string encoding{};      // Content-Encoding
  std::string location{};      // of a redirect
  bool chunked = false;
  std::string body{};  // out of its framing
  std::vector<Arrival> arrivals{};
  Duration connected{};  // since the start
  Duration headed{};     // from the request to the head
  Duration ended{};      // … to the end
  bool whole = true;     // false: the connection broke, or we left
};

// TLS with the server, tried once.
struct Handshake {
  bool connected = false;  // false: it did not come to TLS
  std::string version{};   // "TLSv1.3"
  std::string failure{};   // empty: none
};

}  // namespace intragate::check

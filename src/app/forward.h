// `intragate forward`: a side-car on the host of a client that cannot show a certificate (Dify). Takes plain
// connections on a loopback address and carries their bytes to a gateway over TLS. Owner: main. Thread: the main
// thread, whose loop it runs. Does not: read HTTP, hold answers back, know keys.
#pragma once

#include <string>

namespace intragate::app {

struct ForwardOptions {
  std::string listen = "127.0.0.1:8080";
  std::string to;           // https://host[:port]
  std::string certificate;  // files
  std::string key;
  std::string ca;           // empty: the system's authorities
  std::string server_name;  // empty: the host of `to`
};

// Serves until a signal ends the process. 1: it cannot start.
int forward(const ForwardOptions& options);

}  // namespace intragate::app

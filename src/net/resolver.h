// Names to addresses without blocking the loop. A name is asked for once however many wait for it; answers are fresh
// for 5 s; the last good answer stands in for up to 5 min when the name service is slow (more than 250 ms) or fails.
// Owner: Loop. Thread: the loop; getaddrinfo runs on a thread of its own for each question, which nobody waits for,
// because it cannot be interrupted and a dead name service must not hold up the end of the process.
// Does not: decide which addresses are allowed (egress does, on the answer).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "net/task.h"
#include "net/wait.h"

namespace intragate::net {

class Resolver {
 public:
  // Fills in the addresses of a host, or returns why there are none. Blocks, on any thread.
  using LookUp = std::function<std::string(const std::string& host, std::vector<IpAddress>& addresses)>;
  // What the system says (getaddrinfo).
  static std::string ask_system(const std::string& host, std::vector<IpAddress>& addresses);
  // `look_up`: what asks the system, unless a test knows better.
  explicit Resolver(Loop& loop, LookUp look_up = ask_system);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of a host name or an address literal, at least one. Errors: upstream_unreachable, upstream_timeout,
  // client_gone.
  [[nodiscard]] Task<Result<std::vector<IpAddress>>> resolve(std::string host, Until until);

 private:
  struct Lookup;
  struct Waiter;
  struct Name {
    std::vector<IpAddress> addresses;  // of the last good answer
    TimePoint answered;
    std::string failure;  // of the last question; empty: it was answered
    TimePoint failed;
    std::shared_ptr<Lookup> pending;
  };
  static void answer(const std::shared_ptr<Lookup>& lookup);
  void ask(const std::string& host, Name& name);
  void take_in(const std::shared_ptr<Lookup>& lookup);

  Loop& loop_;
  LookUp look_up_;
  std::map<std::string, Name, std::less<>> names_;  // bounded: cleared at 1,000
};

}  // namespace intragate::net

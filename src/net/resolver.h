// Names to addresses without blocking the loop: Asio's resolver thread asks the system, answers are kept for 5 s, and
// the last good answer stands in for up to 5 min when the name service fails. Owner: Loop. Thread: the loop. Does not:
// decide which addresses are allowed (egress does, on the answer).
#pragma once

#include <cstdint>
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
  explicit Resolver(Loop& loop);
  ~Resolver();

  // The addresses of a host name or an address literal, at least one. Errors: upstream_unreachable, upstream_timeout,
  // client_gone.
  [[nodiscard]] Task<Result<std::vector<IpAddress>>> resolve(std::string host, Until until);

 private:
  struct Question;  // one in flight; outlives a caller that stopped waiting
  struct Answer {
    std::vector<IpAddress> addresses;
    TimePoint at;
  };
  void ask(const std::string& host, const std::shared_ptr<Question>& question);

  Loop& loop_;
  struct Asio;
  std::unique_ptr<Asio> asio_;
  std::map<std::string, Answer, std::less<>> known_;  // bounded: cleared at 1,000 names
};

}  // namespace intragate::net

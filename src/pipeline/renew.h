// Credentials that a model refuses although the configuration may have better ones by now: `auth.key: file:…` was
// changed, and nobody has looked since. One look, one more attempt. Owner: dispatch uses it; SecretWatch is the
// gateway's. Thread: a loop's; SecretWatch any. Does not: read files (the main thread does, as for every reload).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "net/task.h"

namespace intragate::pipeline {

struct Exchange;

// Looks at the configuration's files, by their number.
struct SecretWatch {
  std::function<void()> look_now;  // wakes the main thread
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> done{0};
};

// Whether the answer is a 401 to credentials that a look may renew.
[[nodiscard]] bool may_renew(const Exchange& x);

// Gives back what the refused attempt holds, and enters the same endpoint with other credentials, after a look of at
// most two seconds. False: there are none, or the client has left; then nothing has changed.
[[nodiscard]] net::Task<bool> renew(Exchange& x);

}  // namespace intragate::pipeline

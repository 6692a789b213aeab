// The part of `intragate explain` about limits, slots and the queue: what of the configuration would apply to a call.
// Owner: explain_request(). Thread: the main one. Does not: know what is used at the moment (explain_running.h).
#pragma once

#include <cstdint>
#include <vector>

#include "app/explain.h"
#include "pipeline/snapshot.h"

namespace intragate::app {

struct LimitedCall {
  const config::Config& config;
  const pipeline::Lane& lane;
  const llm::Call& call;
  const std::vector<const config::Key*>& keys;  // that may make the call: limits of keys and users are theirs
  std::uint64_t prompt;                         // tokens
};
// Of each dimension the rule that applies, for each key, and the tokens that would be reserved.
void explain_limits(const LimitedCall& asked, std::vector<Finding>& into);

// The model's slots and how long its queue may get.
void explain_queue(const pipeline::Lane& lane, std::vector<Finding>& into);

}  // namespace intragate::app

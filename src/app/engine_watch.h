// Asks the engines behind `max_concurrency: auto` for what they say about themselves: `/metrics` (vLLM, SGLang,
// llama.cpp) and `/props` (llama.cpp), beside the API and off the calls' path. An endpoint without these pages changes
// nothing, and is asked more seldom. Owner: Gateway. Thread: the loop of its worker. Does not: understand the pages
// (dialect/engine_load.h), decide what follows (pipeline/capacity.h).
#pragma once

#include <map>
#include <string>

#include "net/wait.h"
#include "pipeline/worker.h"

namespace intragate::app {

class EngineWatch {
 public:
  explicit EngineWatch(pipeline::Worker& worker) : worker_{worker} {}

  // Runs until stop().
  [[nodiscard]] net::Task<void> run();
  void stop() { ended_.fire(net::CancelReason::shutdown); }

 private:
  net::Task<bool> look(pipeline::Site site, AddressList egress);  // whether the engine said anything

  pipeline::Worker& worker_;
  net::Cancellation ended_;
  std::map<std::string, TimePoint> next_;  // when an endpoint is asked again, by its id
};

}  // namespace intragate::app

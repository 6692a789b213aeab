// Takes an exchange from station to station, and at the end, always and once, to settle.
// Owner: the Worker. Thread: one loop.
#pragma once

#include <array>
#include <span>

#include "net/task.h"
#include "pipeline/stations.h"

namespace intragate::pipeline {

class Journey {
 public:
  Journey();
  Journey(const Journey&) = delete;
  Journey& operator=(const Journey&) = delete;

  [[nodiscard]] net::Task<void> run(Exchange& x);
  // For the test that prints the order.
  [[nodiscard]] std::span<Station* const> stations() const { return stations_; }

 private:
  Identify identify_;
  Understand understand_;
  Authorize authorize_;
  Screen screen_;
  Measure measure_;
  Limit limit_;
  ListModels list_models_;
  Count count_;
  Admit admit_;
  Dispatch dispatch_;
  Relay relay_;
  std::array<Station*, 11> stations_;
};

}  // namespace intragate::pipeline

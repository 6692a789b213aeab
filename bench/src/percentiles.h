// The p50, p99 and maximum of a list of times.
// Owner:   bench_load.  Thread: one.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "sockets.h"

namespace intragate::bench {

class Times {
 public:
  void reserve(std::size_t count) { all_.reserve(count); }
  void add(Nanos time) { all_.push_back(time); }

  // Three JSON members, microseconds: "<name>_p50_us", "<name>_p99_us", "<name>_max_us". Zero when nothing was added.
  std::string json(const std::string& name) {
    std::sort(all_.begin(), all_.end());
    return '"' + name + "_p50_us\":" + at(0.50) + ",\"" + name + "_p99_us\":" + at(0.99) + ",\"" + name +
           "_max_us\":" + at(1.0);
  }

 private:
  std::string at(double part) const {
    if (all_.empty()) return "0";
    const auto index = static_cast<std::size_t>(part * static_cast<double>(all_.size() - 1) + 0.5);
    return std::to_string(static_cast<double>(all_[index]) / 1000.0);
  }

  std::vector<Nanos> all_;
};

}  // namespace intragate::bench

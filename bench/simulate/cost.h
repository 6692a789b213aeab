// What the scheduler itself costs: processor time of join and finish, memory of a waiting call.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intragate::simulate {

struct SchedulerCost {
  double nanoseconds = 0;  // of one join and one finish, median of several rounds
  std::size_t bytes = 0;   // of each waiting call
};

// With so many calls waiting all the time, of as many users. `waiting` 0: a slot is always free.
[[nodiscard]] SchedulerCost measure_scheduler(std::uint32_t waiting, std::uint32_t users);

}  // namespace intragate::simulate

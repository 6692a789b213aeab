// A fast random number generator for ids, jitter and choices. Not for secrets: keys come from OpenSSL in net/.
// Owner: whoever needs one; thread_random() is the thread's own. Thread: one at a time.
// Rule: xoshiro256++ 1.0 (Blackman and Vigna 2019), seeded through splitmix64.
#pragma once

#include <array>
#include <cstdint>

namespace intragate {

class Random {
 public:
  Random();                             // seeded from the operating system
  explicit Random(std::uint64_t seed);  // the same numbers every time: for tests

  std::uint64_t next();
  // 0 ≤ x < 1.
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::array<std::uint64_t, 4> state_;
};

[[nodiscard]] Random& thread_random();

}  // namespace intragate

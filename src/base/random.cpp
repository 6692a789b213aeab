#include "base/random.h"

#include <bit>
#include <random>

namespace intragate {
namespace {

std::uint64_t splitmix(std::uint64_t& x) {
  x += 0x9e3779b97f4a7c15;
  std::uint64_t z = x;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

// All 256 bits come from the system, or two replicas started together would share ids far sooner than chance allows.
Random::Random() : Random{0} {
  std::random_device device;
  for (std::uint64_t& word : state_) word ^= (std::uint64_t{device()} << 32) | device();
}

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = splitmix(seed);
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

Random& thread_random() {
  thread_local Random random;
  return random;
}

}  // namespace intragate

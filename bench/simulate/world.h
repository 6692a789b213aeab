// A model with slots, the people who use it, and the clock: a discrete-event simulation.
// The model: a call holds its slot for 0.1 s + prompt / 8,000 per second + answer / 40 per second.
// The people: heavy users always have the same number of calls under way or waiting; a light user reads the answer,
// pauses (lengths.h), asks the next thing. Prompts are estimated at half to twice their length, as bytes of several
// languages are, and far too high with a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lengths.h"
#include "policy.h"

namespace intragate::simulate {

struct Group {
  std::string name;
  std::uint32_t users = 0;
  Kind kind = Kind::conversation;
  std::uint32_t calls = 1;  // of one user at a time
  double pause = 0;         // mean seconds between an answer and the next call; 0: none
  double scale = 1;         // of all lengths
  double pictures = 0;      // share of calls with one: its bytes are taken for a prompt of 32,768 tokens
};

struct Setting {
  std::uint32_t slots = 16;
  double seconds = 7200;
  double warm_up = 600;  // not counted
  std::uint64_t seed = 1;
  std::vector<Group> groups;
};

struct Served {
  std::string group;
  std::vector<double> tokens;  // by user: input and output, as cost_of() counts them
  std::vector<double> waits;   // by call, seconds
  std::vector<double> misses;  // by call that waited: the wait divided by what was forecast when it came
};

struct Outcome {
  std::vector<Served> groups;
  double service_time = 0;  // mean
  double idle = 0;          // share of slot time in which a slot was free
  double idle_waiting = 0;  // … while somebody waited
};

[[nodiscard]] Outcome simulate(const Setting& setting, Policy& policy);

}  // namespace intragate::simulate

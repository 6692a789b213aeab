// require(): the property a fuzz target checks. Aborts, so that libFuzzer and the replay driver both see the failure.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace fuzz {

inline void require(bool holds, const char* what = "property") {
  if (holds) return;
  std::fprintf(stderr, "fuzz: %s does not hold\n", what);
  std::abort();
}

}  // namespace fuzz

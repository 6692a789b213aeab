// What one call of Stream::take() makes; shared by its two halves, stream.cpp and stream_convert.cpp, and nobody else.
#pragma once

#include <string>

#include "pipeline/stream.h"

namespace intragate::pipeline {

struct Stream::Writing {
  Output out;
  std::string& scratch;
  bool as_it_is;  // so far out.bytes is a prefix of the input; once false, `scratch` has what goes out

  void begin_copy() {
    if (!as_it_is) return;
    scratch.assign(out.bytes);
    as_it_is = false;
  }
};

}  // namespace intragate::pipeline

// Whether a request body reached the model whole: the last field is there, quotes and brackets balance, nothing
// follows.
// Owner:   bench_model with `check`, in a run of its own and never while CPU is measured.  Thread: any; no state.
// Does not: check JSON in full (names, numbers, commas).
#pragma once

#include <string_view>

namespace intragate::bench {

bool is_whole_body(std::string_view body);

}  // namespace intragate::bench

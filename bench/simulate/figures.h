// Jain's fairness index and percentiles.
#pragma once

#include <vector>

namespace intragate::simulate {

// (Σx)² / (n·Σx²): 1 when all have the same, 1/n when one has everything (Jain, Chiu, Hawe 1984).
[[nodiscard]] double jain(const std::vector<double>& shares);
// The value that so many percent do not exceed; 0 without values.
[[nodiscard]] double percentile(std::vector<double> values, double percent);

}  // namespace intragate::simulate

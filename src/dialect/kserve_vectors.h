// Embeddings as KServe v2 servers give them: one tensor of numbers with a vector for each input, whose last dimension
// is the vector's length. Owner: the caller; views point into what was read. Thread: any (pure). Does not: know how
// many inputs there were (pipeline/conversion.cpp does). Source: KServe "Open Inference Protocol" (v2): tensor data is
// flat or nested, row by row; Triton's types.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace intragate::dialect::kserve {

// As gRPC has them, least byte first.
struct Numbers {
  std::string_view type;      // "FP32"
  std::uint64_t columns = 0;  // the last dimension
  std::string_view bytes;
};
[[nodiscard]] bool holds_numbers(std::string_view type);  // FP64, FP32, FP16, BF16

// Each adds JSON arrays of numbers, in order. False: these are no vectors of finite numbers.
[[nodiscard]] bool append_vectors(const Numbers& numbers, std::vector<std::string>& into);
// An element of `outputs`.
[[nodiscard]] bool append_vectors(std::string_view output_json, std::vector<std::string>& into);

}  // namespace intragate::dialect::kserve

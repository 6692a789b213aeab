// The chat formats that models were published with, written as templates.
// Owner: static memory. Thread: any. Does not: follow a model's every variant; a file of its own always can.
#pragma once

#include <span>
#include <string_view>

namespace intragate::prompt {

struct BuiltIn {
  std::string_view name;
  std::string_view bos;
  std::string_view eos;  // also what ends an answer
  std::string_view source;
};

[[nodiscard]] std::span<const BuiltIn> built_ins();

}  // namespace intragate::prompt

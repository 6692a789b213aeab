// Whole answers of a model that needed no mending, by their shapes: of others like them the mender (openai_mend.h) and
// find_usage would say the same. Owner: one loop, for one model. Thread: one. Does not: hold answers.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "dialect/json_shape.h"
#include "llm/call.h"
#include "llm/usage.h"

namespace intragate::dialect {

class KnownAnswers {
 public:
  // The usage in `body` if it is like a known answer, and so needs no mending.
  [[nodiscard]] std::optional<llm::Usage> usage_in(llm::Api api, std::string_view body) const;
  // `body` needed no mending, and `usage` was found in it.
  void learn(llm::Api api, std::string_view body, const llm::Usage& usage);

 private:
  struct Known {
    llm::Api api;  // `object` has another name in each
    JsonShape shape;
  };
  std::vector<Known> known_;
  std::size_t oldest_ = 0;  // the place of the next one, once all are taken
};

}  // namespace intragate::dialect

// `reasoning` for events of the OpenAI dialect, which otherwise stay as they are: only the texts of the first choice's
// delta change. Owner: one stream. Thread: any (pure). Does not: touch streams of several answers (`n`).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dialect/reasoning.h"

namespace intragate::dialect::openai {

class EventReasoning {
 public:
  explicit EventReasoning(Reasoning form) : filter_{form} {}

  // The data of one event with thoughts where they belong: `data` itself where nothing changes, else bytes of this
  // object until the next call. Empty: nothing is left to say (yet).
  [[nodiscard]] std::string_view rewrite(std::string_view data);
  // Events with text alone need not be shown from here on.
  [[nodiscard]] bool settled() const { return filter_.settled(); }

 private:
  ReasoningFilter filter_;
  std::string rewritten_;
};

// The same for a whole answer.
[[nodiscard]] std::optional<std::string> rewrite_answer(std::string_view body, Reasoning form);

}  // namespace intragate::dialect::openai

// How many tokens a request is to a model, by the model's own tokenizer and, for chats, its chat template.
// Owner: the lane (pipeline/snapshot.h). Thread: any number may count at once.
// Does not: count pictures, or texts of more than kLongest bytes: a loop would stand still for too long.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/time.h"
#include "config/config.h"
#include "dialect/prompt.h"
#include "llm/call.h"
#include "llm/request.h"
#include "tokenizer/tokenizer.h"

namespace intragate::dialect {

class TokenCounter {
 public:
  static constexpr std::size_t kLongest = std::size_t{1} << 20;

  struct Count {
    std::uint64_t tokens = 0;
    bool exact = false;  // otherwise there are more: what a chat template nobody knows adds, or pictures
  };

  // Nothing: the endpoint has no tokenizer. Errors: invalid_configuration.
  [[nodiscard]] static Result<std::unique_ptr<const TokenCounter>> make(const config::Endpoint& endpoint);

  // Of a chat's or a completion's prompt. Nothing: it cannot be counted.
  [[nodiscard]] std::optional<Count> prompt(const llm::Call& call, std::string_view body, WallTime now) const;
  // Of a text that the model wrote.
  [[nodiscard]] std::optional<std::uint64_t> text(std::string_view text) const;

 private:
  TokenCounter(std::shared_ptr<const tokenizer::Tokenizer> tokenizer, Prompts prompts)
      : tokenizer_{std::move(tokenizer)}, prompts_{std::move(prompts)} {}
  [[nodiscard]] std::optional<Count> messages(const llm::Request& request) const;

  std::shared_ptr<const tokenizer::Tokenizer> tokenizer_;
  Prompts prompts_;
};

}  // namespace intragate::dialect

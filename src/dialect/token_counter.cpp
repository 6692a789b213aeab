#include "dialect/token_counter.h"

#include <algorithm>

#include "dialect/openai_read.h"

namespace intragate::dialect {

Result<std::unique_ptr<const TokenCounter>> TokenCounter::make(const config::Endpoint& endpoint) {
  using Made = std::unique_ptr<const TokenCounter>;
  if (endpoint.tokenizer.made == nullptr) return Made{};
  Result<Prompts> prompts = Prompts::make(endpoint);
  if (!prompts) return std::move(prompts).error();
  return Made{new TokenCounter{endpoint.tokenizer.made, *std::move(prompts)}};
}

std::optional<TokenCounter::Count> TokenCounter::prompt(const llm::Call& call, std::string_view body,
                                                        WallTime now) const {
  if (!llm::generates(call.api)) return std::nullopt;
  Result<llm::Request> request = openai::read_request(call, body);
  if (!request) return std::nullopt;  // token ids, several prompts …: whoever takes them counts them
  request->now = now;
  if (call.api == llm::Api::chat) return messages(*request);
  const std::optional<std::uint64_t> tokens = text(request->prompt);
  if (!tokens) return std::nullopt;
  return Count{.tokens = *tokens + tokenizer_->frame(), .exact = true};
}

std::optional<TokenCounter::Count> TokenCounter::messages(const llm::Request& request) const {
  const bool pictures = std::any_of(request.messages.begin(), request.messages.end(),
                                    [](const llm::Message& message) { return !message.images.empty(); });
  std::size_t bytes = 0;
  for (const llm::Message& message : request.messages) bytes += message.text.size();
  if (bytes > kLongest) return std::nullopt;
  if (const std::optional<std::string> whole = pictures ? std::nullopt : prompts_.whole(request)) {
    const std::optional<std::uint64_t> tokens = text(*whole);
    if (tokens) return Count{.tokens = *tokens, .exact = true};
  }
  Count sum;
  for (const llm::Message& message : request.messages) {
    const std::optional<std::uint64_t> tokens = text(message.text);
    if (!tokens) return std::nullopt;
    sum.tokens += *tokens;
  }
  return sum;
}

std::optional<std::uint64_t> TokenCounter::text(std::string_view text) const {
  if (text.size() > kLongest) return std::nullopt;
  return tokenizer_->count(text);
}

}  // namespace intragate::dialect

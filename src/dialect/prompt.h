// What models read that have no API for chats of their own: the one text of a request, or its messages as values for a
// template. Owner: a converter, unchanged for ever. Thread: any (pure).
// Does not: know a clock (llm::Request::now is the request's). Rule: the text has no BOS: servers that take text put it
// there themselves.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "dialect/tool_text.h"
#include "llm/request.h"
#include "prompt/chat_template.h"

namespace intragate::dialect {

class Prompts {
 public:
  // Errors: invalid_configuration.
  [[nodiscard]] static Result<Prompts> make(const config::Endpoint& endpoint);

  // Errors: invalid_request for what cannot be a text: a chat without a chat template, pictures, embeddings.
  [[nodiscard]] Result<std::string> of(const llm::Request& request) const;
  // The same as the model reads it, BOS and all: for counting. Nothing: there is no chat template.
  [[nodiscard]] std::optional<std::string> whole(const llm::Request& request) const;
  // What ends the answer: what the client says, and for chats what the chat template says. At most `most`.
  [[nodiscard]] std::vector<std::string> stops(const llm::Request& request, std::size_t most = SIZE_MAX) const;
  // Of a whole answer: some servers leave the text that ended it at its end.
  void cut_end(std::string& text) const;

  [[nodiscard]] bool has_tools() const { return chat_ && chat_->uses("tools"); }
  // What the answer's text may call.
  [[nodiscard]] ToolsAsked tools(const llm::Request& request) const { return tools_asked(tool_form_, request); }
  [[nodiscard]] std::string bos() const { return chat_ ? chat_->bos() : std::string{}; }

 private:
  [[nodiscard]] Result<std::string> render(const llm::Request& request) const;
  std::optional<prompt::ChatTemplate> chat_;
  config::ToolCalls tool_form_ = config::ToolCalls::none;
};

// Whether a request wants tools used. Where nothing would tell the model of them, it is refused.
[[nodiscard]] bool wants_tools(const llm::Request& request);
[[nodiscard]] Error no_tools();

// The messages in OpenAI's form; of a completion its prompt, as one of the user. Errors: invalid_request for pictures.
[[nodiscard]] Result<jinja::Value> messages_of(const llm::Request& request);

}  // namespace intragate::dialect

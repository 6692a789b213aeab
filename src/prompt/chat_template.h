// A model's chat template: makes the one text that a raw model reads of the messages and tools of a chat request, as
// Hugging Face's apply_chat_template does, and keeps what clients write within their roles.
// Owner: a lane's configuration, unchanged for ever. Thread: any number may render at once.
// Does not: count tokens, cut what is too long, fetch images. The text has the special tokens in it, the first one
// (BOS) too: whoever sends it to a server that adds one itself removes it (`bos()`). Rule: a special token's text in
// what a client wrote is no special token (guard.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "jinja/template.h"

namespace intragate::prompt {

class ChatTemplate {
 public:
  // The name of a built-in (chatml, llama-2, llama-3, qwen, mistral, gemma, deepseek), the source of a template, or the
  // text of a tokenizer_config.json. Errors: invalid_configuration, in a sentence for whoever configured it.
  [[nodiscard]] static Result<ChatTemplate> make(std::string_view name_or_text);

  // The prompt for a chat request: `messages`, and if there are `tools`, `documents`, `chat_template_kwargs`,
  // `add_generation_prompt`. Errors: invalid_request when the messages are no messages or the
  // template refuses them; internal when it cannot be applied.
  [[nodiscard]] Result<std::string> render(const jinja::Object& request, WallTime now) const;

  // Whether the template ever speaks of a variable, e.g. `tools`.
  [[nodiscard]] bool uses(std::string_view name) const { return template_.uses(name); }
  [[nodiscard]] const std::string& bos() const { return bos_; }
  // What ends an answer in this format: stop texts for servers that do not know.
  [[nodiscard]] const std::vector<std::string>& ends() const { return ends_; }

 private:
  explicit ChatTemplate(jinja::Template made) : template_{std::move(made)} {}
  [[nodiscard]] static Result<ChatTemplate> of_tokenizer_config(const jinja::Object& config);
  [[nodiscard]] static Result<ChatTemplate> of_source(std::string_view source);

  jinja::Template template_;
  std::string bos_;
  std::string eos_;
  std::vector<std::string> ends_;
  std::vector<std::string> special_;  // the texts of special tokens, which no client can write
};

}  // namespace intragate::prompt

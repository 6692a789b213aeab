// Every text within a JSON body that somebody reads: prompts and answers, parts of them, arguments of tools, and
// whatever else is a string there; only what is no text is left out (names of roles and ids, pictures and sounds). One
// pass, no recursion, nothing built. Owner: the caller; views point into the body. Thread: any. Does not: check the
// JSON, know whose text it is. Source: OpenAI API reference; vLLM, SGLang and llama.cpp for what they add to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/call.h"

namespace intragate::dialect {

struct Text {
  llm::Span where;         // the raw string with its quotes, or the raw container
  std::string_view key;    // of the member that holds it, as written
  std::int64_t index = 0;  // the last `index` that was said before it: of a tool call
  bool cut = false;        // the body ends within the string
  bool copy = false;       // no text: what holds the answer's text once more (logprobs, token ids), an object or array
};

class TextScan {
 public:
  explicit TextScan(std::string_view json) : json_{json} {}
  // The next one in the order of the body; nothing at its end.
  std::optional<Text> next();

 private:
  std::optional<Text> string();
  void number();

  std::string_view json_;
  std::size_t at_ = 0;
  std::string_view key_;
  std::size_t value_at_ = 0;  // where that member's value begins
  std::int64_t index_ = 0;
  int depth_ = 0;
};

// Whether a raw string is a picture, a sound or a file: base64, as a data URL or longer than any word.
[[nodiscard]] bool is_media(std::string_view raw);

// Whether a prompt (completions) or input (embeddings) is given as numbers of tokens.
[[nodiscard]] bool is_tokens(const llm::Call& call, std::string_view body);

// Replacements of stretches of a body, in ascending order.
[[nodiscard]] std::string edited(std::string_view body, const std::vector<llm::Edit>& edits);

}  // namespace intragate::dialect

// Keeps what clients write within their roles: the text of a special token in a message, a tool or a document would end
// the message for the model and begin another one, with the role that the client likes.
// Owner: the caller; plain functions. Thread: any. Does not: touch words that are special to a template only by habit
// (`<think>`, `</tool_call>`): tokenizers do not mark them so, and templates look for them.
// Rule: behind the first character of every special token's text stands U+200B, which nobody sees and no tokenizer
// overlooks. So it does where one text of a message ends with the beginning of a special token and another one follows.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/value.h"

namespace intragate::prompt {

// `special`: none of them empty.
[[nodiscard]] std::string guarded_text(std::string_view text, std::span<const std::string> special);
// All texts within a value, keys of objects too.
[[nodiscard]] jinja::Value guarded(const jinja::Value& value, std::span<const std::string> special);

// The marks that chat formats use, and those that a template's source itself writes: `<|…|>`, `<｜…｜>`.
[[nodiscard]] std::vector<std::string> marks_in(std::string_view source);

}  // namespace intragate::prompt

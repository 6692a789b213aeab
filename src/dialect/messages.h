// The Messages API of Anthropic for clients, over chat. Pure functions over bytes. Source: Anthropic API reference
// (Messages, version 2023-06-01; streaming; errors). Owner: the caller. Thread: any. Does not: fetch pictures; serve
// tools that run at the provider's; count tokens.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/front.h"

namespace intragate::dialect::messages {

// The chat request that asks for the same. Members that only Anthropic's own servers understand are left out.
// Errors: invalid_json; invalid_request, with a sentence for the caller, for what chat cannot say: documents other than
// text, tools that run at the provider's, content blocks of other types.
[[nodiscard]] Result<std::string> chat_request(std::string_view body);

[[nodiscard]] std::unique_ptr<Front> make_front();

}  // namespace intragate::dialect::messages

// The Responses API of OpenAI for clients, over chat and without state: nothing is stored, so that every request has to
// bring its whole conversation. Pure functions over bytes. Source: OpenAI API reference (Responses, streaming events).
// Owner: the caller. Thread: any. Does not: fetch pictures; serve tools that run at the provider's.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/front.h"

namespace intragate::dialect::responses {

struct Asked {
  std::string chat;  // the chat request that asks for the same
  std::string echo;  // members that the answer repeats, as `"a":1,"b":2`, without line breaks; at most 40 KiB
};
// Errors: invalid_json; invalid_request, with a sentence for the caller, for what needs a store (previous_response_id,
// conversation, background, prompt, items by reference), tools that run at the provider's, files, items of other types.
[[nodiscard]] Result<Asked> understand(std::string_view body);

[[nodiscard]] std::unique_ptr<Front> make_front();

}  // namespace intragate::dialect::responses

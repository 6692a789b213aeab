// The messages of a chat request as chat templates expect them: texts where they are texts, arguments of tool calls as
// objects. OpenAI's form differs in both, and templates fail on it.
// Owner: the caller; a plain function. Thread: any. Does not: change roles or their order, nor drop anything.
#pragma once

#include "base/result.h"
#include "jinja/value.h"

namespace intragate::prompt {

// A list of objects, each with a role and a content. Content that is missing or null is "", content of text parts only
// is one text with a line feed between two; other parts (images) stay as they are. `developer` is `system`. Errors:
// invalid_request.
[[nodiscard]] Result<jinja::Value> plain_messages(const jinja::Object& request);

}  // namespace intragate::prompt

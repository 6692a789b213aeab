// A transcription's request: multipart/form-data, of which only `model` and `stream` are read. Pure functions over
// bytes. Owner: the caller; spans count in the body. Does not: look into the recording, copy it.
// Rule: RFC 7578 and RFC 2046 section 5.1.1, narrowed: no preamble, line ends are CRLF, a boundary of 1 to 70
// characters.
#pragma once

#include <string_view>

#include "base/result.h"
#include "llm/call.h"

namespace intragate::dialect::form {

// `content_type`: the request's header. Errors: invalid_request: another media type, no boundary, a body that is not
// made of parts, more than 64 of them, no `model`, or `model` or `stream` twice.
[[nodiscard]] Result<llm::Call> understand(std::string_view content_type, std::string_view body);

// The change that makes the body fit the endpoint: the model's name there. REQUIRES: no line break in it.
[[nodiscard]] llm::Edits edits(const llm::Call& call, std::string_view upstream_model);

}  // namespace intragate::dialect::form

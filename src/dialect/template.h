// Any REST interface, as the configuration describes it: method, path, headers and body of the request by templates,
// the answer and the events of a stream by JSON pointers. Rule: docs/dialects.md, "template". Pure; see converter.h.
// Does not: have tools in answers, embeddings, pictures, or streams whose events repeat the text so far.
#pragma once

#include "dialect/converter.h"

namespace intragate::dialect {

[[nodiscard]] Result<std::unique_ptr<const Converter>> make_template(const config::Endpoint& endpoint);

}  // namespace intragate::dialect

// The verbs of the command line besides serve. Each returns the exit code: 0 good, 1 the answer is no, 2 wrong use.
#pragma once

#include <string>

#include "app/explain.h"
#include "config/load.h"

namespace intragate::app {

enum class Output : unsigned char { text, json };

// Checks a configuration file; every problem with file, line, column and a suggestion.
[[nodiscard]] int validate(const std::string& file, Output output);
// Every address that the gateway would connect to with it, names resolved as now, and what `egress` says of each. 1:
// the file is bad, an address is refused, or a name has none.
[[nodiscard]] int validate_egress(const std::string& file, Output output);
// {"valid":false,"problems":[…],"warnings":[…]}, as validate and explain print it.
[[nodiscard]] std::string verdict_json(const config::Loaded& loaded);
[[nodiscard]] int version(Output output);
// Dry run: what would happen to a request with this body.
[[nodiscard]] int explain(const ExplainOptions& options, Output output);

}  // namespace intragate::app

// The verbs of the command line besides serve. Each returns the exit code: 0 good, 1 the answer is no, 2 wrong use.
#pragma once

#include <string>

namespace intragate::app {

enum class Output : unsigned char { text, json };

// Checks a configuration file; every problem with file, line, column and a suggestion.
[[nodiscard]] int validate(const std::string& file, Output output);
[[nodiscard]] int version(Output output);
// Dry run: what would happen to a request with this body. `key`: the name of the key that asks; empty: any.
struct ExplainOptions {
  std::string file;
  std::string request_file;  // "-": standard input
  std::string key;
  std::string path = "/v1/chat/completions";
};
[[nodiscard]] int explain(const ExplainOptions& options, Output output);

}  // namespace intragate::app

// Loads the configuration: a YAML file, or the .env quick start. Strict: an unknown key, a wrong unit or an unusable
// value is an error with file, line, column and a suggestion. Owner: the caller. Thread: any, blocking (reads files);
// not on a loop.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace intragate::config {

// The environment as data, so that tests need no process environment.
using Environment = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] Environment process_environment();

// One thing wrong with the input. `line` and `column` count from 1; 0: the place is unknown.
struct Problem {
  std::string file;
  int line = 0;
  int column = 0;
  std::string message;                     // "unknown key `timeout` in models[0]"
  std::string suggestion;                  // "did you mean `timeouts`?"; may be empty
  [[nodiscard]] std::string text() const;  // file:line:column: message; suggestion
};

// Either a usable configuration, or every problem found (the first hundred, in the order of their places).
struct Loaded {
  Config config;
  std::vector<Problem> problems;
  [[nodiscard]] bool ok() const { return problems.empty(); }
};

// SHA-256 in lower-case hex: given from outside because the hash lives with OpenSSL in net/.
using Hasher = std::function<std::string(std::string_view)>;

// YAML text as in docs/configuration.md; `file` is for messages and for resolving relative paths of `file:` secrets.
// `${NAME}` in scalars reads `environment` (an unset name is a problem), `file:/path` reads a secret file without its
// last line end.
[[nodiscard]] Loaded load_yaml(std::string_view text, const std::string& file, const Environment& environment,
                               const Hasher& hash);
[[nodiscard]] Loaded load_file(const std::string& path, const Environment& environment, const Hasher& hash);

// The quick start: the variables of docs/configuration.md, `environment` first, then those of `dotenv` (the text of an
// .env file; empty: none). An empty value counts as none; `file:` secrets begin at the working directory.
[[nodiscard]] Loaded load_environment(const Environment& environment, std::string_view dotenv,
                                      const std::string& dotenv_file, const Hasher& hash);

// Whether there are limits for end users: then the quick start's key may name them.
[[nodiscard]] bool limits_users(const Config& config);

// The variables of an .env file: KEY=value, `export KEY=value`, # comments, 'single' and "double" quotes.
[[nodiscard]] std::vector<Problem> parse_dotenv(std::string_view text, const std::string& file, Environment& into);

// "25s", "200ms", "10m", "1h", "90d"; at most 3650 days. Errors: invalid_configuration; `message` says what is wrong,
// `detail` what was probably meant ("did you mean `25s`?"), or nothing.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// "4096", "8KiB", "32MiB", "1GiB"; also KB, MB, GB (powers of 1000).
[[nodiscard]] Result<Bytes> parse_size(std::string_view text);

}  // namespace intragate::config

// The .env file: every variable has a legal name and a value that was in the text, places are in the file, no value is
// repeated in a problem, and a file written from what was read reads the same.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "config/load.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;

std::string double_quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

void check_round_trip(const config::Environment& variables) {
  std::string text;
  for (const auto& [name, value] : variables) text += name + '=' + double_quoted(value) + '\n';
  config::Environment again;
  fuzz::require(config::parse_dotenv(text, "again", again).empty(), "what was read can be written");
  fuzz::require(again == variables, "and reads the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  config::Environment variables;
  for (const config::Problem& problem : config::parse_dotenv(text, ".env", variables)) {
    fuzz::require(!problem.message.empty() && problem.line >= 0 && problem.line <= lines,
                  "a problem's place is in the file");
  }
  for (const auto& [name, value] : variables) {
    constexpr std::string_view kLegal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    fuzz::require(!name.empty() && name.find_first_not_of(kLegal) == std::string::npos, "a variable's name");
    fuzz::require(name.front() < '0' || name.front() > '9', "a name does not begin with a digit");
    fuzz::require(value.size() <= text.size() && value.find('\0') == std::string::npos, "a variable's value");
  }
  check_round_trip(variables);
  if (text.find("file:") != std::string_view::npos) return 0;  // would read files of this machine
  const config::Loaded loaded = config::load_environment({}, text, ".env", nullptr);
  if (loaded.ok())
    fuzz::require(loaded.config.models.size() == 1 && loaded.config.models[0].endpoints.size() == 1, "one model");
  return 0;
}

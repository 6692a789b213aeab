// The configuration file: whatever its text, there is a usable configuration or at least one problem, and the same each
// time.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.h"
#include "fuzz/require.h"

namespace {

using namespace intragate;

std::string fake_hash(std::string_view key) {
  return std::string(64, key.empty() ? '0' : 'a');
}

void check_problems(const config::Loaded& loaded, std::string_view text) {
  const auto lines = std::count(text.begin(), text.end(), '\n') + 2;
  for (const config::Problem& problem : loaded.problems) {
    fuzz::require(!problem.message.empty(), "a problem says something");
    fuzz::require(problem.line >= 0 && problem.line <= lines, "a problem's line is in the file");
    fuzz::require((problem.line == 0) == (problem.column == 0), "a place has both parts or none");
  }
}

void check_endpoint(const config::Endpoint& endpoint) {
  fuzz::require(!endpoint.host.empty() && endpoint.host.find_first_of("[]/@ \r\n") == std::string::npos, "host");
  fuzz::require(endpoint.port > 0, "port");
  fuzz::require(endpoint.path.starts_with('/') && (endpoint.path.size() == 1 || !endpoint.path.ends_with('/')), "path");
  fuzz::require(endpoint.host_header.find_first_of("\r\n ") == std::string::npos, "Host header");
  fuzz::require(endpoint.weight >= 1 && endpoint.weight <= 1000, "weight");
  const bool carried = endpoint.auth.type == config::AuthType::none || !endpoint.auth.key.empty();
  fuzz::require(carried, "credentials are there when they are needed");
  const bool basic = endpoint.auth.type == config::AuthType::basic;
  fuzz::require(basic || endpoint.auth.type == config::AuthType::none ||
                    endpoint.auth.key.reveal().find_first_of("\r\n") == std::string::npos,
                "credentials fit into a header");
}

void check_usable(const config::Config& config) {
  fuzz::require(!config.listen.empty() && !config.models.empty(), "somewhere to listen, something to serve");
  for (const config::Listen& listen : config.listen) {
    fuzz::require(listen.max_head >= config::kKiB && listen.max_head <= config::kMiB, "max_head");
    fuzz::require(listen.timeouts.idle > Duration::zero(), "idle");
  }
  for (const config::Model& model : config.models) {
    fuzz::require(!model.name.empty() && !model.endpoints.empty(), "a model has a name and endpoints");
    fuzz::require(model.retry.attempts >= 1 && model.timeouts.total > Duration::zero(), "limits");
    for (const config::Endpoint& endpoint : model.endpoints) check_endpoint(endpoint);
  }
  for (const config::Key& key : config.keys) {
    fuzz::require(key.plain.empty() && key.hash.size() == 64 && !key.name.empty(), "keys are hashed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  if (text.find("file:") != std::string_view::npos) return 0;  // would read files of this machine
  const config::Environment environment{{"A", "secret"}, {"B", "secret\n"}, {"N", "3"}, {"F", "${A}"}};
  const config::Loaded loaded = config::load_yaml(text, "f.yaml", environment, fake_hash);
  check_problems(loaded, text);
  if (loaded.ok()) check_usable(loaded.config);
  const config::Loaded again = config::load_yaml(text, "f.yaml", environment, fake_hash);
  fuzz::require(again.config == loaded.config && again.problems.size() == loaded.problems.size(), "the same each time");
  return 0;
}

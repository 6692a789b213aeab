#include "app/running_gateway.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "app/admin_file.h"
#include "app/configuration.h"
#include "base/json_scan.h"
#include "config/load.h"
#include "config/references.h"

namespace intragate::app {
namespace {

// Empty: none was named anywhere.
Result<config::Secret> find_token(const AdminOptions& options, const config::Secret& configured) {
  if (!options.token_file.empty()) return config::read_secret("file:" + options.token_file, {});
  const config::Environment environment = config::process_environment();
  const auto inherited = environment.find("INTRAGATE_ADMIN_TOKEN");
  if (inherited != environment.end() && !inherited->second.empty()) return config::Secret{inherited->second};
  return configured;
}

}  // namespace

Result<RunningGateway> find_gateway(const AdminOptions& options, const config::Config& config) {
  Result<SocketAddress> address = running_admin_address(config.data_dir);
  if (!address) return std::move(address).error();
  Result<config::Secret> token = find_token(options, config.admin.token);
  if (!token) return std::move(token).error();
  if (token->empty()) token = running_admin_secret(config.data_dir);
  if (!token) return std::move(token).error();
  return RunningGateway{*address, *std::move(token)};
}

Result<RunningGateway> find_gateway(const AdminOptions& options) {
  if (options.admin.empty()) {
    const config::Loaded loaded = load_configuration(options.config_file, options.env_file);
    if (loaded.ok()) return find_gateway(options, loaded.config);
    return make_error(Code::invalid_configuration,
                      loaded.problems.front().text() + "\nintragate: --admin ADDRESS needs no configuration");
  }
  Result<SocketAddress> address = SocketAddress::parse(options.admin);
  if (!address) return std::move(address).error();
  Result<config::Secret> token = find_token(options, {});
  if (!token) return std::move(token).error();
  return RunningGateway{*address, *std::move(token)};
}

std::string refusal_in(const AdminAnswer& answer) {
  json::ObjectScan scan{answer.body};
  while (const std::optional<json::Member> member = scan.next()) {
    if (member->key != "error" || member->kind != json::Kind::object) continue;
    json::ObjectScan inner{member->value};
    const std::optional<json::Member> message = inner.next();
    Result<std::string> words = json::unescape(message ? message->value : std::string_view{});
    if (words) return *std::move(words);
  }
  return "the gateway answered with status " + std::to_string(answer.status);
}

int say_no(const std::string& reason) {
  std::fprintf(stderr, "intragate: %s\n", reason.c_str());
  return 1;
}

}  // namespace intragate::app

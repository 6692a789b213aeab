#include "app/running_gateway.h"

#include <cstdio>
#include <optional>
#include <utility>

#include "app/admin_file.h"
#include "app/configuration.h"
#include "base/json_scan.h"
#include "config/load.h"
#include "config/references.h"
#include "net/certificate.h"

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

constexpr std::size_t kLargestPem = std::size_t{1} << 20;

Result<std::string> content_of(const std::string& path) {
  if (path.empty()) return std::string{};
  return config::read_file(path, kLargestPem);
}

// `own`: the gateway's certificate, which is known without any authority; empty: the options say whom to trust.
Result<std::shared_ptr<const net::TlsContext>> tls_of(const AdminOptions& options, std::string_view own,
                                                      const SocketAddress& to) {
  Result<std::string> ca = content_of(options.ca);
  if (!ca) return std::move(ca).error();
  Result<std::string> certificate = content_of(options.certificate);
  if (!certificate) return std::move(certificate).error();
  Result<std::string> key = content_of(options.key);
  if (!key) return std::move(key).error();
  net::TlsClientRules rules{.ca = *ca,
                            .certificate = *certificate,
                            .key = *key,
                            .name = options.server_name.empty() ? to.ip.text() : options.server_name};
  if (options.ca.empty() && !own.empty()) {
    Result<std::string> pin = net::public_key_pin(own);
    if (!pin) return std::move(pin).error();
    rules.pins.push_back(*std::move(pin));
    rules.verify = false;
  }
  return net::TlsContext::client(rules);
}

}  // namespace

Result<RunningGateway> find_gateway(const AdminOptions& options, const config::Config& config) {
  Result<SocketAddress> address = running_admin_address(config.data_dir);
  if (!address) return std::move(address).error();
  Result<config::Secret> token = find_token(options, config.admin.token);
  if (!token) return std::move(token).error();
  if (token->empty()) token = running_admin_secret(config.data_dir);
  if (!token) return std::move(token).error();
  RunningGateway gateway{*address, *std::move(token), nullptr};
  if (!config.admin.tls) return gateway;
  Result<std::shared_ptr<const net::TlsContext>> tls = tls_of(options, config.admin.tls->certificate, *address);
  if (!tls) return std::move(tls).error();
  gateway.tls = *std::move(tls);
  return gateway;
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
  RunningGateway gateway{*address, *std::move(token), nullptr};
  if (options.ca.empty() && options.certificate.empty() && options.server_name.empty()) return gateway;
  Result<std::shared_ptr<const net::TlsContext>> tls = tls_of(options, {}, *address);
  if (!tls) return std::move(tls).error();
  gateway.tls = *std::move(tls);
  return gateway;
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

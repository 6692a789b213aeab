#include "app/check.h"

#include <cstdio>
#include <optional>
#include <utility>
#include <vector>

#include "app/configuration.h"
#include "check/report.h"
#include "check/suite.h"
#include "config/endpoint_url.h"
#include "config/load.h"
#include "config/references.h"
#include "net/loop.h"

namespace intragate::app {
namespace {

constexpr const char* kKeyVariable = "INTRAGATE_CHECK_KEY";

// What a target of one command line is asked, and what its `models:` block says.
struct Asked {
  check::Target target;
  std::string url;
  std::string key_reference;  // as a configuration would name its key; empty: none
  config::ModelTimeouts timeouts;
  std::string timeouts_key = "models[].timeouts";
};

Error wrong(std::string message) {
  return make_error(Code::invalid_configuration, std::move(message));
}

Result<config::Secret> key_of(const CheckOptions& options) {
  if (!options.key_file.empty()) return config::read_secret("file:" + options.key_file, {});
  const config::Environment environment = config::process_environment();
  const auto given = environment.find(kKeyVariable);
  return given == environment.end() ? config::Secret{} : config::Secret{given->second};
}

Result<std::vector<Asked>> of_url(const CheckOptions& options) {
  Result<config::Endpoint> endpoint = config::parse_endpoint_url(options.target);
  if (!endpoint) return wrong(options.target + ": " + endpoint.error().message);
  Result<config::Secret> key = key_of(options);
  if (!key) return std::move(key).error();
  Asked asked;
  if (!key->empty()) {
    endpoint->auth = {.type = config::AuthType::bearer, .header = {}, .key = *std::move(key)};
    asked.key_reference = options.key_file.empty() ? "${MODEL_KEY}" : "file:" + options.key_file;
  }
  asked.url = options.target;
  asked.target = {.title = options.target,
                  .endpoint = std::make_shared<upstream::Endpoint>("target", *std::move(endpoint), config::Health{}),
                  .model = options.model,
                  .kind = options.kind,
                  .egress = AddressList::private_ranges(),
                  .most_at_once = options.most_at_once};
  std::vector<Asked> all;
  all.push_back(std::move(asked));
  return all;
}

void add_endpoints(const config::Config& config, const config::Model& model, const CheckOptions& options,
                   std::vector<Asked>& into) {
  for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
    const config::Endpoint& endpoint = model.endpoints[i];
    const std::string id = model.name + "/" + std::to_string(i);
    const std::string own_name = endpoint.model.empty() ? model.name : endpoint.model;
    Asked asked;
    asked.url = endpoint.url;
    asked.timeouts = model.timeouts;
    asked.timeouts_key = model.timeouts_key;
    asked.target = {.title = id + " at " + endpoint.url,
                    .endpoint = std::make_shared<upstream::Endpoint>(id, endpoint, config::Health{}),
                    .model = own_name == "*" ? std::string{} : own_name,
                    .kind = std::string{model.kind},
                    .context_window = model.context_window,
                    .egress = config.egress,
                    .most_at_once = options.most_at_once};
    into.push_back(std::move(asked));
  }
}

Result<std::vector<Asked>> of_file(const CheckOptions& options) {
  config::Loaded loaded = load_configuration(options.target, {});
  if (!loaded.ok()) return wrong(loaded.problems.front().text());
  std::vector<Asked> all;
  for (const config::Model& model : loaded.config.models) {
    if (options.model.empty() || options.model == model.name) add_endpoints(loaded.config, model, options, all);
  }
  if (all.empty()) return wrong("there is no such model in " + options.target);
  return all;
}

net::Task<void> run_all(net::Loop& loop, std::vector<Asked>& asked, std::vector<check::Report>& reports) {
  for (Asked& one : asked) {
    check::Report report = co_await check::run(loop, one.target);
    reports.push_back(std::move(report));
  }
  loop.stop();
}

std::vector<check::Rung> ladder_of(const Asked& asked) {
  return check::ladder(asked.target.kind, {.first_byte = asked.timeouts.first_byte,
                                           .between_chunks = asked.timeouts.between_chunks,
                                           .total = asked.timeouts.total,
                                           .key = asked.timeouts_key});
}

}  // namespace

int check(const CheckOptions& options, Output output) {
  const bool is_url = options.target.find("://") != std::string::npos;
  Result<std::vector<Asked>> asked = is_url ? of_url(options) : of_file(options);
  if (!asked) {
    std::fprintf(stderr, "intragate: %s\n", asked.error().message.c_str());
    return 2;
  }
  std::vector<check::Report> reports;
  net::Loop loop{0};
  loop.post([&] { loop.spawn(run_all(loop, *asked, reports)); });
  loop.run();
  const std::vector<check::Rung> rungs = ladder_of(asked->front());
  const Asked& first = asked->front();
  const std::string block =
      is_url ? check::models_block(reports.front(), first.url, first.key_reference) : std::string{};
  bool happy = true;
  for (const check::Report& report : reports) happy = happy && check::is_happy(report);
  if (output == Output::json) {
    std::printf("%s\n", check::as_json(reports, rungs, block).c_str());
    return happy ? 0 : 1;
  }
  for (const check::Report& report : reports) std::printf("%s\n", check::as_text(report).c_str());
  std::printf("%s\n", check::as_text(rungs).c_str());
  if (!block.empty()) std::printf("For the configuration:\n\n%s\n", block.c_str());
  std::printf("%s\n", happy ? "Dify would be happy." : "Dify would not be happy: see the lines with ✘.");
  return happy ? 0 : 1;
}

}  // namespace intragate::app

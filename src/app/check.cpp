#include "app/check.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "app/check_gateway.h"
#include "app/configuration.h"
#include "check/report.h"
#include "check/suite.h"
#include "config/endpoint_url.h"
#include "config/load.h"
#include "config/references.h"
#include "config/tls_rules.h"
#include "net/loop.h"

namespace intragate::app {
namespace {

constexpr std::string_view kOpenai = "openai";
constexpr const char* kKeyVariable = "INTRAGATE_CHECK_KEY";

// What a target of one command line is asked, and what its `models:` block says.
struct Asked {
  check::Target target;
  check::Reached where{};
  config::ModelTimeouts timeouts;
  std::string timeouts_key = "models[].timeouts";
  const config::Model* model = nullptr;  // asked through a gateway of the check's own; null: as it is
  std::size_t position = 0;              // … its endpoint
};
// A configuration outlives what is asked of it.
struct Plan {
  config::Config config{};
  std::vector<Asked> asked{};
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

// What the options say of TLS; http has none.
Result<Unit> take_ca(const CheckOptions& options, config::Endpoint& endpoint) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  if (options.ca_file.empty()) return Unit{};
  if (!endpoint.tls) return wrong("--ca is for a URL that begins with https://");
  Result<std::string> ca = config::read_file(options.ca_file, kMost);
  if (!ca) return wrong("--ca " + options.ca_file + ": " + ca.error().message);
  endpoint.tls->ca = *std::move(ca);
  Result<std::shared_ptr<const net::TlsContext>> usable = net::TlsContext::client(config::rules_of(endpoint));
  if (!usable) return wrong("--ca " + options.ca_file + ": " + usable.error().message);
  return Unit{};
}

Result<Plan> of_url(const CheckOptions& options) {
  Result<config::Endpoint> endpoint = config::parse_endpoint_url(options.target);
  if (!endpoint) return wrong(options.target + ": " + endpoint.error().message);
  if (endpoint->dialect != kOpenai) {
    return wrong(options.target + " speaks a dialect of its own: check a configuration that names it");
  }
  Result<Unit> taken = take_ca(options, *endpoint);
  if (!taken) return std::move(taken).error();
  Result<config::Secret> key = key_of(options);
  if (!key) return std::move(key).error();
  Asked asked;
  if (!key->empty()) {
    endpoint->auth = {.type = config::AuthType::bearer, .header = {}, .key = *std::move(key)};
    asked.where.key_reference = options.key_file.empty() ? "${MODEL_KEY}" : "file:" + options.key_file;
  }
  asked.where.url = options.target;
  asked.where.ca = options.ca_file;
  asked.target = {.title = options.target,
                  .endpoint = std::make_shared<upstream::Endpoint>("target", *std::move(endpoint), config::Health{}),
                  .model = options.model,
                  .kind = options.kind,
                  .egress = AddressList::private_ranges(),
                  .most_at_once = options.most_at_once,
                  .connections = options.connections};
  Plan plan;
  plan.asked.push_back(std::move(asked));
  return plan;
}

void add_endpoints(const config::Config& config, const config::Model& model, const CheckOptions& options,
                   std::vector<Asked>& into) {
  for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
    const config::Endpoint& endpoint = model.endpoints[i];
    const std::string id = model.name + "/" + std::to_string(i);
    const bool converted = endpoint.dialect != kOpenai;  // then only a gateway can ask it
    const std::string own_name = converted || endpoint.model.empty() ? model.name : endpoint.model;
    Asked asked;
    asked.timeouts = model.timeouts;
    asked.timeouts_key = model.timeouts_key;
    asked.target = {.title = id + " at " + endpoint.url,
                    .endpoint = std::make_shared<upstream::Endpoint>(id, endpoint, config::Health{}),
                    .model = own_name == "*" ? std::string{} : own_name,
                    .kind = std::string{model.kind},
                    .context_window = model.context_window,
                    .egress = config.egress,
                    .most_at_once = options.most_at_once,
                    .connections = options.connections};
    if (converted) {
      asked.target.title += ", dialect " + endpoint.dialect + ", asked through the gateway";
      asked.model = &model;
      asked.position = i;
    }
    into.push_back(std::move(asked));
  }
}

Result<Plan> of_file(const CheckOptions& options) {
  if (!options.ca_file.empty()) return wrong("--ca is for a URL; a configuration has `endpoints[].tls.ca`");
  config::Loaded loaded = load_configuration(options.target, {});
  if (!loaded.ok()) return wrong(loaded.problems.front().text());
  Plan plan;
  plan.config = std::move(loaded.config);
  for (const config::Model& model : plan.config.models) {
    if (options.model.empty() || options.model == model.name) add_endpoints(plan.config, model, options, plan.asked);
  }
  if (plan.asked.empty()) return wrong("there is no such model in " + options.target);
  return plan;
}

net::Task<void> run_one(net::Loop& loop, const check::Target& target, check::Report& report) {
  report = co_await check::run(loop, target);
  loop.stop();
}

// Errors: what a gateway of the check's own fails of.
Result<check::Report> ask(const config::Config& config, Asked& asked) {
  std::unique_ptr<CheckGateway> gateway;
  if (asked.model != nullptr) {
    Result<std::unique_ptr<CheckGateway>> opened = CheckGateway::open(config, *asked.model, asked.position);
    if (!opened) return std::move(opened).error();
    gateway = *std::move(opened);
    asked.target.engine = std::exchange(
        asked.target.endpoint, std::make_shared<upstream::Endpoint>("gateway", gateway->door(), config::Health{}));
  }
  check::Report report;
  net::Loop loop{0};
  loop.post([&] { loop.spawn(run_one(loop, asked.target, report)); });
  loop.run();
  return report;
}

check::Ladder ladder_of(const Asked& asked) {
  return {{asked.target.title},
          check::ladder(asked.target.kind, {.first_byte = asked.timeouts.first_byte,
                                            .between_chunks = asked.timeouts.between_chunks,
                                            .total = asked.timeouts.total,
                                            .key = asked.timeouts_key})};
}

int fail(const Error& error, int code) {
  std::fprintf(stderr, "intragate: %s\n", error.message.c_str());
  return code;
}

void print(const std::vector<check::Report>& reports, const std::vector<check::Ladder>& ladders,
           const std::string& block) {
  const bool happy = std::all_of(reports.begin(), reports.end(), check::is_happy);
  for (const check::Report& report : reports) std::printf("%s\n", check::as_text(report).c_str());
  for (const check::Ladder& ladder : ladders) {
    std::printf("%s\n", check::as_text(ladder, ladders.size() == 1).c_str());
  }
  if (!block.empty()) std::printf("For the configuration:\n\n%s\n", block.c_str());
  std::printf("%s\n", happy ? "Dify would be happy." : "Dify would not be happy: see the lines with ✘.");
}

}  // namespace

int check(const CheckOptions& options, Output output) {
  const bool is_url = options.target.find("://") != std::string::npos;
  Result<Plan> plan = is_url ? of_url(options) : of_file(options);
  if (!plan) return fail(plan.error(), 2);
  std::vector<check::Report> reports;
  std::vector<check::Ladder> ladders;
  for (Asked& asked : plan->asked) {
    Result<check::Report> report = ask(plan->config, asked);
    if (!report) return fail(report.error(), 2);
    reports.push_back(*std::move(report));
    ladders.push_back(ladder_of(asked));
  }
  ladders = check::distinct(std::move(ladders));
  const std::string block = is_url ? check::models_block(reports.front(), plan->asked.front().where) : std::string{};
  if (output == Output::json) {
    std::printf("%s\n", check::as_json(reports, ladders, block).c_str());
  } else {
    print(reports, ladders, block);
  }
  return std::all_of(reports.begin(), reports.end(), check::is_happy) ? 0 : 1;
}

}  // namespace intragate::app

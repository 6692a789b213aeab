#include "app/check_gateway.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/log.h"
#include "config/endpoint_url.h"
#include "net/digest.h"

namespace intragate::app {
namespace {

constexpr Duration kListPatience = std::chrono::seconds{3};  // for the names of a "*" entry

Result<std::string> new_folder() {
  std::error_code problem;
  std::string path = (std::filesystem::temp_directory_path(problem) / "intragate-check-XXXXXX").string();
  if (problem || ::mkdtemp(path.data()) == nullptr) {
    return make_error(Code::io, "no folder can be made in " + std::filesystem::temp_directory_path(problem).string() +
                                    " ($TMPDIR), which the check's own gateway needs");
  }
  return path;
}

config::Model only(const config::Model& model, std::size_t position) {
  config::Model one = model;
  one.endpoints = {model.endpoints[position]};
  one.endpoints.front().max_concurrency = 0;  // the check looks for it
  // A gateway that meets a refused key looks at its configuration's files again (Gateway::open); this one has none.
  one.endpoints.front().auth.from_file = false;
  one.allow = AddressList::any();
  one.retry.attempts = 1;
  one.hedge.on = false;
  one.health = {};
  one.health.failures = UINT32_MAX;  // a refusal that the check provokes must not end it
  one.health.min_calls = UINT32_MAX;
  return one;
}

}  // namespace

Result<std::unique_ptr<CheckGateway>> CheckGateway::open(const config::Config& config, const config::Model& model,
                                                         std::size_t position) {
  std::unique_ptr<CheckGateway> made{new CheckGateway};
  Result<std::string> folder = new_folder();
  if (!folder) return std::move(folder).error();
  made->folder_ = *std::move(folder);
  made->key_ = config::Secret{net::random_secret("sk-")};
  auto own = std::make_shared<config::Config>();
  own->source = config.source;
  own->listen.emplace_back();
  own->listen.front().address.port = 0;
  own->admin.address.port = 0;
  own->data_dir = made->folder_;
  own->egress = config.egress;
  own->models.push_back(only(model, position));
  config::Key& key = own->keys.emplace_back();
  key.name = "check";
  key.hash = net::sha256_hex(made->key_.reveal());
  own->wrong_keys.limit = 0;
  own->workers = 1;
  log::set_level(log::Level::error);  // what goes wrong is among the findings
  Result<std::unique_ptr<Gateway>> gateway = Gateway::open(std::move(own));
  if (!gateway) return std::move(gateway).error();
  made->gateway_ = *std::move(gateway);
  made->gateway_->start(kListPatience);
  return made;
}

CheckGateway::~CheckGateway() {
  if (gateway_ != nullptr) gateway_->stop([] { return true; });
  gateway_.reset();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

config::Endpoint CheckGateway::door() const {
  config::Endpoint door = *config::parse_endpoint_url("http://" + gateway_->listening().front());
  door.auth = {.type = config::AuthType::bearer, .header = {}, .key = key_};
  return door;
}

}  // namespace intragate::app

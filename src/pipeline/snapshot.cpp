#include "pipeline/snapshot.h"

#include <algorithm>

namespace intragate::pipeline {
namespace {

using Endpoints = std::vector<std::shared_ptr<upstream::Endpoint>>;

void collect(const Snapshot& from, Endpoints& into) {
  for (const auto& lane : from.listed) into.insert(into.end(), lane->endpoints.begin(), lane->endpoints.end());
  into.insert(into.end(), from.wildcard_endpoints.begin(), from.wildcard_endpoints.end());
}

Endpoints endpoints_of(const config::Model& model, const Endpoints& old) {
  Endpoints endpoints;
  for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
    std::string id = model.name + "/" + std::to_string(i);
    const auto same = std::find_if(old.begin(), old.end(), [&](const auto& endpoint) {
      return endpoint->id() == id && endpoint->configured() == model.endpoints[i] &&
             endpoint->health_rule() == model.health;
    });
    endpoints.push_back(same != old.end()
                            ? *same
                            : std::make_shared<upstream::Endpoint>(std::move(id), model.endpoints[i], model.health));
  }
  return endpoints;
}

std::int64_t known_since(const Snapshot* previous, const std::string& name, std::int64_t now) {
  const Lane* lane = previous == nullptr ? nullptr : previous->find(name);
  return lane == nullptr ? now : lane->known_since;
}

void add(Snapshot& snapshot, std::shared_ptr<const Lane> lane) {
  snapshot.lanes.emplace(lane->name, lane);
  for (const std::string& alias : lane->model.aliases) snapshot.lanes.emplace(alias, lane);
  snapshot.listed.push_back(std::move(lane));
}

}  // namespace

const Lane* Snapshot::find(std::string_view name) const {
  const auto found = lanes.find(name);
  return found == lanes.end() ? nullptr : found->second.get();
}

Result<std::shared_ptr<const Snapshot>> make_snapshot(std::shared_ptr<const config::Config> config,
                                                      const Discovered* discovered, const Snapshot* previous,
                                                      std::int64_t now_seconds) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->config = config;
  Result<auth::Keyring> keys = auth::Keyring::make(config->keys);
  if (!keys) return std::move(keys).error();
  snapshot->keys = std::move(*keys);
  Endpoints old;
  if (previous != nullptr) collect(*previous, old);
  const config::Model* wildcard = nullptr;
  for (const config::Model& model : config->models) {
    Endpoints endpoints = endpoints_of(model, old);
    if (model.name == "*") {
      wildcard = &model;
      snapshot->wildcard_endpoints = std::move(endpoints);
      continue;
    }
    add(*snapshot, std::make_shared<const Lane>(
                       Lane{model.name, model, std::move(endpoints), known_since(previous, model.name, now_seconds)}));
  }
  if (wildcard == nullptr) return std::shared_ptr<const Snapshot>{snapshot};
  snapshot->awaiting_discovery = discovered == nullptr;
  if (discovered == nullptr) return std::shared_ptr<const Snapshot>{snapshot};
  for (const auto& [name, indexes] : *discovered) {
    if (snapshot->find(name) != nullptr) continue;  // the file's own entry wins
    Lane lane{name, *wildcard, {}, known_since(previous, name, now_seconds)};
    for (const std::size_t index : indexes) {
      // A reload may have taken away an endpoint that the last discovery asked.
      if (index < snapshot->wildcard_endpoints.size()) lane.endpoints.push_back(snapshot->wildcard_endpoints[index]);
    }
    add(*snapshot, std::make_shared<const Lane>(std::move(lane)));
  }
  return std::shared_ptr<const Snapshot>{snapshot};
}

}  // namespace intragate::pipeline

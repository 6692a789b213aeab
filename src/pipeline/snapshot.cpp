#include "pipeline/snapshot.h"

#include <algorithm>

#include "base/text.h"
#include "upstream/ejection.h"

namespace intragate::pipeline {
namespace {

using Endpoints = std::vector<std::shared_ptr<upstream::Endpoint>>;

void collect(const Snapshot& from, Endpoints& into) {
  for (const auto& lane : from.listed) into.insert(into.end(), lane->endpoints.begin(), lane->endpoints.end());
  into.insert(into.end(), from.wildcard_endpoints.begin(), from.wildcard_endpoints.end());
}

Endpoints endpoints_of(const config::Model& model, const Endpoints& old, TimePoint now) {
  Endpoints endpoints;
  for (std::size_t i = 0; i < model.endpoints.size(); ++i) {
    const config::Endpoint& wanted = model.endpoints[i];
    std::string id = model.name + "/" + std::to_string(i);
    const auto same = std::find_if(old.begin(), old.end(), [&](const auto& endpoint) {
      return endpoint->id() == id && endpoint->configured() == wanted && endpoint->health_rule() == model.health;
    });
    if (same != old.end()) {
      endpoints.push_back(*same);
      continue;
    }
    endpoints.push_back(std::make_shared<upstream::Endpoint>(std::move(id), wanted, model.health));
    const bool known = std::any_of(old.begin(), old.end(),
                                   [&](const auto& endpoint) { return endpoint->configured().url == wanted.url; });
    if (!known && !old.empty()) endpoints.back()->health().warm_up(now);
  }
  return endpoints;
}

qos::QueueBounds bounds_of(const config::Queue& queue) {
  return {.size = queue.size, .user_percent = queue.user_share, .max_wait = queue.max_wait};
}

// What was found out about a server lasts as long as it is the same server of the same model, whatever else a reload
// changes.
std::shared_ptr<Capacity> capacity_for(const upstream::Endpoint& endpoint, const Snapshot* previous) {
  const auto model_of = [](const upstream::Endpoint& e) {
    return std::string_view{e.id()}.substr(0, e.id().rfind('/'));
  };
  const std::uint32_t configured = endpoint.configured().max_concurrency;
  if (previous != nullptr) {
    for (const Site& site : previous->sites) {
      const bool same = site.endpoint->configured().url == endpoint.configured().url &&
                        model_of(*site.endpoint) == model_of(endpoint) && site.capacity->configured() == configured;
      if (same) return site.capacity;
    }
  }
  return std::make_shared<Capacity>(configured);
}

Result<std::vector<Site>> sites_of(const Endpoints& endpoints, const Snapshot* previous) {
  std::vector<Site> sites;
  for (const auto& endpoint : endpoints) {
    const config::Endpoint& to = endpoint->configured();
    Result<std::unique_ptr<const dialect::Converter>> converter = dialect::dialect_row(to.dialect).make(to);
    if (!converter) return std::move(converter).error();
    Result<std::unique_ptr<const dialect::TokenCounter>> counter = dialect::TokenCounter::make(to);
    if (!counter) return std::move(counter).error();
    sites.push_back({endpoint, capacity_for(*endpoint, previous), std::move(*converter), std::move(*counter)});
  }
  return sites;
}

// The lane of a model, with what it takes over from the one before it.
std::shared_ptr<const Lane> make_lane(std::string name, const config::Model& model, const std::vector<Site>& sites,
                                      const Snapshot* previous, Now now) {
  const Lane* before = previous == nullptr ? nullptr : previous->find(name);
  if (before != nullptr && before->name != name) before = nullptr;  // an alias then, a model now
  Lane lane{.name = std::move(name),
            .model = model,
            .endpoints = {},
            .known_since = now.seconds,
            .version = 0,
            .gate = nullptr};
  lane.left_alone = dialect::openai::repairs_named(model.repair_except);
  for (const Site& site : sites) {
    lane.endpoints.push_back(site.endpoint);
    lane.capacities.push_back(site.capacity);
    lane.converters.push_back(site.converter);
    if (lane.counter == nullptr) lane.counter = site.counter;
  }
  if (before != nullptr) {
    lane.known_since = before->known_since;
    lane.version = before->version + 1;
    lane.gate = before->gate;
    lane.first_bytes = before->first_bytes;
  } else {
    lane.gate = std::make_shared<Gate>(slots_of(lane, now.at), bounds_of(model.queue));
    lane.first_bytes = std::make_shared<FirstBytes>();
  }
  return std::make_shared<const Lane>(std::move(lane));
}

void add(Snapshot& snapshot, std::shared_ptr<const Lane> lane) {
  snapshot.lanes.emplace(lane->name, lane);
  for (const std::string& alias : lane->model.aliases) snapshot.lanes.emplace(alias, lane);
  snapshot.listed.push_back(std::move(lane));
}

// The models that endpoints of the "*" entry listed, each with those that have it.
std::map<std::string, std::vector<Site>> models_of(const std::vector<Site>& sites, const Discovered& discovered) {
  std::map<std::string, std::vector<Site>> models;
  for (const Site& site : sites) {
    for (const Listing& listing : discovered) {
      if (!listing.is_of(site.endpoint->configured())) continue;
      for (const std::string& name : listing.models) {
        std::vector<Site>& having = models[name];
        if (having.empty() || having.back().endpoint != site.endpoint)
          having.push_back(site);  // some list a name twice
      }
      break;
    }
  }
  return models;
}

bool has_listed(const Endpoints& endpoints, const Discovered& discovered) {
  return std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) {
    return std::any_of(discovered.begin(), discovered.end(),
                       [&](const Listing& listing) { return listing.is_of(endpoint->configured()); });
  });
}

// The only API of a kind, as llm::api_name() says it; empty: one that this version does not serve.
std::string_view api_of_kind(std::string_view kind) {
  if (kind == "chat") return "chat";
  if (kind == "completion") return "completions";
  return kind == "embedding" ? "embeddings" : kind;  // rerank, speech, transcription: the same word
}

// Whether chats become prompts at every endpoint.
bool makes_prompts(const Lane& lane) {
  bool all = !lane.endpoints.empty();
  for (std::size_t i = 0; i < lane.endpoints.size(); ++i) {
    all = all && lane.converters[i] != nullptr && !lane.endpoints[i]->configured().chat_template.empty();
  }
  return all;
}

}  // namespace

Result<Unit> check_kind(const Lane& lane, llm::Api api) {
  const std::string& kind = lane.model.kind;
  if (kind.empty() || api_of_kind(kind) == llm::api_name(api)) return Unit{};
  if (api == llm::Api::rerank && ranks_by_vectors(lane)) return Unit{};
  if (api == llm::Api::chat && kind == "completion" && makes_prompts(lane)) return Unit{};
  return make_error(Code::model_not_allowed, "The model " + text::quoted(lane.name) + " is of the kind " + kind +
                                                 " and cannot be used for " + std::string{llm::api_name(api)} +
                                                 ": choose another model.");
}

bool in_panic(const Lane& lane, TimePoint now) {
  const auto left = std::count_if(lane.endpoints.begin(), lane.endpoints.end(), [&](const auto& endpoint) {
    return endpoint->health().state(now) != upstream::BreakerState::open;
  });
  return upstream::panics(static_cast<std::size_t>(left), lane.endpoints.size(), lane.model.health);
}

std::uint32_t slots_of(const Lane& lane, TimePoint now) {
  std::uint32_t well = 0;
  std::uint32_t all = 0;
  for (std::size_t i = 0; i < lane.endpoints.size(); ++i) {
    const std::uint32_t slots = lane.capacities[i]->slots(now);
    if (slots == qos::kUnlimitedSlots) return slots;
    all += slots;
    const upstream::BreakerState state = lane.endpoints[i]->health().state(now);
    if (state == upstream::BreakerState::closed) well += slots;
    if (state == upstream::BreakerState::half_open) well += std::min(slots, lane.model.health.probes);
  }
  return in_panic(lane, now) ? all : well;
}

void follow_slots(const Lane& lane, TimePoint now) {
  lane.gate->set_slots(slots_of(lane, now), lane.version, now);
}

void take_effect(const Snapshot& snapshot, TimePoint now) {
  for (const auto& lane : snapshot.listed) {
    lane->gate->adopt({bounds_of(lane->model.queue), slots_of(*lane, now), lane->version}, now);
  }
}

const Lane* Snapshot::find(std::string_view name) const {
  const auto found = lanes.find(name);
  return found == lanes.end() ? nullptr : found->second.get();
}

Result<std::shared_ptr<const Snapshot>> make_snapshot(const std::shared_ptr<const config::Config>& config,
                                                      const Discovered& discovered, const Snapshot* previous, Now now,
                                                      const std::vector<auth::IssuedKey>& issued) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->config = config;
  Result<auth::Keyring> keys =
      auth::Keyring::make(config->keys, issued, config->key_policy, previous == nullptr ? nullptr : &previous->keys);
  if (!keys) return std::move(keys).error();
  snapshot->keys = std::move(*keys);
  Endpoints old;
  if (previous != nullptr) collect(*previous, old);
  const config::Model* wildcard = nullptr;
  std::vector<Site> wildcard_sites;
  for (const config::Model& model : config->models) {
    Endpoints endpoints = endpoints_of(model, old, now.at);
    Result<std::vector<Site>> made = sites_of(endpoints, previous);
    if (!made) return std::move(made).error();
    std::vector<Site> sites = std::move(*made);
    snapshot->sites.insert(snapshot->sites.end(), sites.begin(), sites.end());
    if (model.name == "*") {
      wildcard = &model;
      wildcard_sites = std::move(sites);
      snapshot->wildcard_endpoints = std::move(endpoints);
      continue;
    }
    add(*snapshot, make_lane(model.name, model, sites, previous, now));
  }
  if (wildcard == nullptr) return std::shared_ptr<const Snapshot>{snapshot};
  snapshot->awaiting_discovery = !has_listed(snapshot->wildcard_endpoints, discovered);
  for (const auto& [name, sites] : models_of(wildcard_sites, discovered)) {
    if (snapshot->find(name) != nullptr) continue;  // the file's own entry wins
    add(*snapshot, make_lane(name, *wildcard, sites, previous, now));
  }
  return std::shared_ptr<const Snapshot>{snapshot};
}

}  // namespace intragate::pipeline

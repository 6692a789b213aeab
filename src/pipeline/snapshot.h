// The configuration as the data path uses it: keys to look up, models by every name they have. Immutable; reload and
// discovery make a new one and hand it to every loop, while calls under way keep theirs. Owner: shared by whoever holds
// it. Thread: any (what changes inside endpoints is atomic).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/keyring.h"
#include "auth/rules.h"
#include "config/config.h"
#include "dialect/converter.h"
#include "dialect/openai_mend.h"
#include "dialect/token_counter.h"
#include "llm/call.h"
#include "pipeline/capacity.h"
#include "pipeline/first_bytes.h"
#include "pipeline/gate.h"
#include "upstream/endpoint.h"

namespace intragate::pipeline {

// A model as calls see it: its rules and where it answers.
struct Lane {
  std::string name;  // as configured, or as discovered
  config::Model model;
  std::vector<std::shared_ptr<upstream::Endpoint>> endpoints;
  std::int64_t known_since = 0;                         // seconds since 1970
  std::uint32_t version = 0;                            // how many lanes of this model there were before
  std::shared_ptr<Gate> gate;                           // the model's slots, the same over reloads
  std::shared_ptr<FirstBytes> first_bytes{};            // so are these
  std::vector<std::shared_ptr<Capacity>> capacities{};  // by endpoint
  // By endpoint: how it is spoken to; nothing where the client's bytes are passed on.
  std::vector<std::shared_ptr<const dialect::Converter>> converters{};
  dialect::openai::Repairs left_alone{};                   // models[].repair_except
  std::shared_ptr<const dialect::TokenCounter> counter{};  // of the first endpoint that has a tokenizer; null: none
};

[[nodiscard]] inline auth::ModelNames names_of(const Lane& lane) {
  return {lane.name, lane.model.aliases};
}

// Whether so few of the lane's endpoints are left that all are used (upstream/ejection.h).
[[nodiscard]] bool in_panic(const Lane& lane, TimePoint now);

// The slots of the lane's endpoints: all of those that are well, as many as probes may come of those that come back,
// none of those that cool down; all of all in panic. kUnlimitedSlots when one has no limit.
[[nodiscard]] std::uint32_t slots_of(const Lane& lane, TimePoint now);

// Tells the lane's gate how many slots there are now. Cheap when there are as many as before.
void follow_slots(const Lane& lane, TimePoint now);

// Whether the lane's `kind` has this API. Errors: model_not_allowed (403), with a sentence for end users.
[[nodiscard]] Result<Unit> check_kind(const Lane& lane, llm::Api api);

// An embedding model ranks documents by how alike their vectors and the query's are.
[[nodiscard]] inline bool ranks_by_vectors(const Lane& lane) {
  return lane.model.kind == "embedding";
}

// What an endpoint of a "*" entry listed. Kept by the endpoint's configuration, so that a reload can move endpoints
// about without names going astray.
struct Listing {
  config::Endpoint endpoint;
  std::vector<std::string> models;
  // Whether `other` is the same server, asked with the same credentials.
  [[nodiscard]] bool is_of(const config::Endpoint& other) const {
    return endpoint.url == other.url && endpoint.auth == other.auth;
  }
  friend bool operator==(const Listing&, const Listing&) = default;
};
using Discovered = std::vector<Listing>;

// A moment by both clocks.
struct Now {
  TimePoint at;
  std::int64_t seconds = 0;  // since 1970
};

// An endpoint and how much it takes at once.
struct Site {
  std::shared_ptr<upstream::Endpoint> endpoint;
  std::shared_ptr<Capacity> capacity;
  std::shared_ptr<const dialect::Converter> converter{};
  std::shared_ptr<const dialect::TokenCounter> counter{};
};

struct Snapshot {
  std::shared_ptr<const config::Config> config;
  auth::Keyring keys;
  std::map<std::string, std::shared_ptr<const Lane>, std::less<>> lanes;  // by name and alias
  std::vector<std::shared_ptr<const Lane>> listed;                        // each once, in the order of /v1/models
  std::vector<std::shared_ptr<upstream::Endpoint>> wildcard_endpoints;    // of the "*" entry
  std::vector<Site> sites;                                                // every endpoint once
  bool awaiting_discovery = false;  // none of its endpoints has listed its models yet

  [[nodiscard]] const Lane* find(std::string_view name) const;
};

// `issued`: the keys that are not in the configuration.
// Endpoints of `previous` (may be null) whose configuration did not change are taken over with their health and calls;
// those at addresses that `previous` did not have get their share gradually (health.slow_start).
// Listings of endpoints that the configuration has no longer are left out. Errors: invalid_configuration (keys that
// cannot be used together).
[[nodiscard]] Result<std::shared_ptr<const Snapshot>> make_snapshot(const std::shared_ptr<const config::Config>& config,
                                                                    const Discovered& discovered,
                                                                    const Snapshot* previous, Now now,
                                                                    const std::vector<auth::IssuedKey>& issued = {});

// From now on the queues have the snapshot's bounds and slots, for those who wait already too. Calls under way on lanes
// of the one before change neither any more. For whoever hands a snapshot out, once it is certain: any thread.
void take_effect(const Snapshot& snapshot, TimePoint now);

}  // namespace intragate::pipeline

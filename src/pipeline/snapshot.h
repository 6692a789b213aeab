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
#include "config/config.h"
#include "upstream/endpoint.h"

namespace intragate::pipeline {

// A model as calls see it: its rules and where it answers.
struct Lane {
  std::string name;  // as configured, or as discovered
  config::Model model;
  std::vector<std::shared_ptr<upstream::Endpoint>> endpoints;
  std::int64_t known_since = 0;  // seconds since 1970
};

// What the endpoints of a "*" entry listed: model name → indexes into that entry's endpoints.
using Discovered = std::map<std::string, std::vector<std::size_t>, std::less<>>;

struct Snapshot {
  std::shared_ptr<const config::Config> config;
  auth::Keyring keys;
  std::map<std::string, std::shared_ptr<const Lane>, std::less<>> lanes;  // by name and alias
  std::vector<std::shared_ptr<const Lane>> listed;                        // each once, in the order of /v1/models
  std::vector<std::shared_ptr<upstream::Endpoint>> wildcard_endpoints;    // of the "*" entry
  bool awaiting_discovery = false;                                        // its names are not known yet

  [[nodiscard]] const Lane* find(std::string_view name) const;
};

// Endpoints of `previous` (may be null) whose configuration did not change are taken over with their health and calls.
// Errors: invalid_configuration (keys that cannot be used together).
[[nodiscard]] Result<std::shared_ptr<const Snapshot>> make_snapshot(std::shared_ptr<const config::Config> config,
                                                                    const Discovered* discovered,
                                                                    const Snapshot* previous, std::int64_t now_seconds);

}  // namespace intragate::pipeline

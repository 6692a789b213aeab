// What `intragate keys` and the admin API's /keys do to the store, and what they answer: the same JSON, whether a
// gateway runs or not. Owner: none, functions over the store. Thread: the store's, blocking.
// Does not: know who asks (the admin server and the command line do), tell loops of a change (key_keeper.h does).
#pragma once

#include <optional>
#include <vector>

#include "admin/keys.h"
#include "auth/keyring.h"
#include "config/config.h"
#include "store/keys.h"

namespace intragate::app {

// The store's file of a configuration.
[[nodiscard]] std::string store_path(const config::Config& config);

// The store opened, with tables of this version. Errors: io.
[[nodiscard]] Result<store::Database> open_store(const std::string& path);

// What the keyring takes. Every secret is one, replaced and revoked ones too, so that records can name whose they are.
[[nodiscard]] std::vector<auth::IssuedKey> issued_keys(const std::vector<store::Key>& keys);

// What stands beside the store.
struct KeyView {
  const config::Config& config;
  const auth::Keyring* live = nullptr;  // of the gateway that runs: when its keys were used; null: none runs
  WallTime now{};
};

// Does what is asked, all or nothing. Names and keys of the configuration file are not touched: 409. Unknown: 404.
// `database`: null when there is none yet; only `list` can do without.
[[nodiscard]] admin::KeyAnswer answer_keys(store::Database* database, const admin::KeyRequest& request,
                                           const KeyView& view);

}  // namespace intragate::app

// Keys as JSON: what the admin API answers and `intragate keys --json` prints. Owner: none, pure. Thread: any.
// Does not: hold secrets, apart from the one that was made just now.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/key_office.h"
#include "base/json_write.h"

namespace intragate::app {

// `plain`: the secret that was made just now; empty: none is shown.
[[nodiscard]] std::string stored_key_json(const store::Key& key, const KeyView& view, const std::string& plain);
[[nodiscard]] std::string file_key_json(const config::Key& key, const KeyView& view);

// models, apis, allow, trust_user, stream_usage, while_waiting.
void append_permissions(json::Writer& writer, const store::Key& key);
// RFC 3339, or null.
void append_moment(json::Writer& writer, std::string_view name, std::optional<WallTime> at);

}  // namespace intragate::app

#include "app/key_json.h"

#include <algorithm>

#include "auth/key_state.h"
#include "base/time_text.h"

namespace intragate::app {
namespace {

void append_list(json::Writer& writer, std::string_view name, const std::vector<std::string>& list) {
  writer.open_array(name);
  for (const std::string& entry : list) writer.element(entry);
  writer.close_array();
}

// The later of what the store says and what the running gateway has seen since.
std::optional<WallTime> last_used(const std::string& hash, std::optional<WallTime> stored, const KeyView& view) {
  if (view.live == nullptr) return stored;
  const std::optional<WallTime> seen = view.live->last_used(hash);
  return seen && (!stored || *seen > *stored) ? seen : stored;
}

void append_state(json::Writer& writer, const auth::Principal& newest, const KeyView& view) {
  writer.text("state", auth::state_name(auth::state_of(newest, view.config.key_policy, view.now)));
  append_moment(writer, "created", newest.created);
  append_moment(writer, "expires", newest.expires);
  append_moment(writer, "rotate_before", auth::rotation_due(newest.created, view.config.key_policy));
}

void append_secret(std::string& list, const store::Secret& secret, const KeyView& view) {
  list += list.empty() ? "[" : ",";
  json::Writer one{list};
  one.open_object().text("key_id", secret.hash.substr(0, 12)).text("prefix", secret.prefix);
  append_moment(one, "created", secret.created);
  append_moment(one, "works_until", secret.works_until);
  append_moment(one, "last_used", last_used(secret.hash, secret.last_used, view));
  one.close_object();
}

}  // namespace

void append_moment(json::Writer& writer, std::string_view name, std::optional<WallTime> at) {
  if (!at) {
    writer.null(name);
    return;
  }
  std::string text;
  append_rfc3339(text, *at);
  writer.text(name, text.substr(0, 19) + "Z");
}

void append_permissions(json::Writer& writer, const store::Key& key) {
  append_list(writer, "models", key.models);
  append_list(writer, "apis", key.apis);
  append_list(writer, "allow", key.allow);
  writer.flag("trust_user", key.trust_user)
      .text("stream_usage", key.stream_usage)
      .text("while_waiting", key.while_waiting);
}

std::string stored_key_json(const store::Key& key, const KeyView& view, const std::string& plain) {
  const std::vector<auth::IssuedKey> issued = issued_keys({key});
  std::string text;
  json::Writer writer{text};
  writer.open_object().text("name", key.name).text("source", "store");
  if (!plain.empty()) writer.text("key", plain);
  if (!issued.empty()) append_state(writer, auth::principal_of(issued.front(), view.config.key_policy), view);
  append_moment(writer, "revoked", key.revoked);
  append_permissions(writer, key);
  std::string secrets;
  std::optional<WallTime> used;
  for (const store::Secret& secret : key.secrets) {
    append_secret(secrets, secret, view);
    used = std::max(used, last_used(secret.hash, secret.last_used, view));
  }
  append_moment(writer, "last_used", used);
  writer.raw("secrets", secrets.empty() ? "[]" : secrets + "]").close_object();
  return text;
}

std::string file_key_json(const config::Key& key, const KeyView& view) {
  store::Key shown;
  shown.models = key.models;
  shown.apis = key.apis;
  for (const Cidr& range : key.allow.ranges()) shown.allow.push_back(range.text());
  if (key.allow == AddressList::any()) shown.allow = {"any"};
  shown.trust_user = key.trust_user;
  shown.stream_usage = key.stream_usage == config::StreamUsage::always ? "always" : "asked";
  shown.while_waiting = key.while_waiting == config::WhileWaiting::interim ? "interim" : "comments";
  std::string text;
  json::Writer writer{text};
  writer.open_object().text("name", key.name).text("source", "file");
  append_state(writer, auth::principal_of({key, {}, false}, view.config.key_policy), view);
  writer.null("revoked");
  append_permissions(writer, shown);
  append_moment(writer, "last_used", last_used(key.hash, {}, view));
  std::string secret = "[";
  json::Writer one{secret};
  one.open_object().text("key_id", key.hash.substr(0, 12)).close_object();
  writer.raw("secrets", secret + "]").close_object();
  return text;
}

}  // namespace intragate::app

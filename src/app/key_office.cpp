#include "app/key_office.h"

#include <algorithm>
#include <filesystem>

#include "app/key_json.h"
#include "base/json_write.h"
#include "base/text.h"
#include "net/digest.h"
#include "store/migrations.h"

namespace intragate::app {
namespace {

using admin::key_refusal;
using admin::KeyAnswer;
using admin::KeyRequest;
using Verb = KeyRequest::Verb;

constexpr std::size_t kShownLetters = 9;  // of a secret, "sk-" included: 36 bits of 264
constexpr std::size_t kKeyIdDigits = 12;

KeyAnswer failed(const Error& error) {
  return key_refusal(500, error.message);
}

AddressList ranges_of(const std::vector<std::string>& texts) {
  std::vector<Cidr> ranges;
  for (const std::string& text : texts) {
    if (text == "any") return AddressList::any();
    if (text == "private") return AddressList::private_ranges();
    if (Result<Cidr> range = Cidr::parse(text)) ranges.push_back(*range);  // what is none allows nobody
  }
  return AddressList{std::move(ranges)};
}

struct NewSecret {
  std::string plain;
  store::Secret kept;
};

NewSecret make_secret(WallTime now) {
  NewSecret made{net::random_secret("sk-"), {}};
  made.kept = {net::sha256_hex(made.plain), made.plain.substr(0, kShownLetters), now, {}, {}};
  return made;
}

// The key as it stands after a change, `plain` shown this once, and what the record says of it.
KeyAnswer changed(store::Database& database, const KeyRequest& request, const KeyView& view, const std::string& plain) {
  Result<std::optional<store::Key>> key = store::find_key(database, request.name);
  if (!key) return failed(key.error());
  KeyAnswer answer;
  answer.body = stored_key_json(**key, view, plain) + "\n";
  json::Writer detail{answer.detail};
  detail.open_object().text("name", request.name);
  if (!(*key)->secrets.empty()) detail.text("key_id", (*key)->secrets.front().hash.substr(0, kKeyIdDigits));
  if (request.verb == Verb::create) append_permissions(detail, **key);
  if (request.verb == Verb::rotate) detail.number("grace_s", request.grace / std::chrono::seconds{1});
  if ((*key)->expires && request.verb != Verb::revoke) append_moment(detail, "expires", (*key)->expires);
  detail.close_object();
  return answer;
}

bool in_file(const KeyView& view, const std::string& name) {
  const auto& keys = view.config.keys;
  return std::any_of(keys.begin(), keys.end(), [&](const config::Key& key) { return key.name == name; });
}

KeyAnswer of_the_file(const std::string& name) {
  return key_refusal(409, "The key " + text::quoted(name) + " stands in the configuration file: change it there.");
}

KeyAnswer unknown(const std::string& name) {
  return key_refusal(404, "There is no key " + text::quoted(name) + "; `intragate keys list` shows those there are.");
}

KeyAnswer create(store::Database& database, const KeyRequest& request, const KeyView& view) {
  Result<std::optional<store::Key>> known = store::find_key(database, request.name);
  if (!known) return failed(known.error());
  if (*known) {
    const bool revoked = (*known)->revoked.has_value();
    return key_refusal(409, "The key name " + text::quoted(request.name) + " is taken" +
                                (revoked ? " by a key that was revoked: in records a name means one key for good"
                                         : "; `intragate keys rotate` gives a key a new secret") +
                                ".");
  }
  const NewSecret secret = make_secret(view.now);
  Result<Unit> added = store::add_key(database, {request.name,
                                                 request.models,
                                                 request.apis,
                                                 request.allow,
                                                 request.trust_user,
                                                 request.stream_usage,
                                                 request.while_waiting,
                                                 view.now,
                                                 request.at,
                                                 {},
                                                 {secret.kept}});
  if (!added) return failed(added.error());
  return changed(database, request, view, secret.plain);
}

KeyAnswer rotate(store::Database& database, const KeyRequest& request, const KeyView& view) {
  const NewSecret secret = make_secret(view.now);
  Result<Unit> ended = store::end_secrets(database, request.name, view.now + request.grace);
  if (ended) ended = store::add_secret(database, request.name, secret.kept);
  if (!ended) return failed(ended.error());
  return changed(database, request, view, secret.plain);
}

// A change of a key that must be there and be alive.
KeyAnswer change(store::Database& database, const KeyRequest& request, const KeyView& view) {
  Result<std::optional<store::Key>> known = store::find_key(database, request.name);
  if (!known) return failed(known.error());
  if (!*known) return unknown(request.name);
  if ((*known)->revoked) {
    return key_refusal(409, "The key " + text::quoted(request.name) + " was revoked; that is final.");
  }
  if (request.verb == Verb::rotate) return rotate(database, request, view);
  const WallTime at = request.verb == Verb::revoke ? view.now : request.at.value_or(view.now);
  Result<Unit> set = request.verb == Verb::revoke ? store::set_revoked(database, request.name, at)
                                                  : store::set_expires(database, request.name, at);
  if (!set) return failed(set.error());
  return changed(database, request, view, {});
}

KeyAnswer list(store::Database* database, const KeyRequest& request, const KeyView& view) {
  std::vector<store::Key> keys;
  if (database != nullptr) {
    Result<std::vector<store::Key>> stored = store::all_keys(*database);
    if (!stored) return failed(stored.error());
    keys = *std::move(stored);
  }
  KeyAnswer answer;
  const auto show = [&](std::string key) { answer.body += (answer.body.empty() ? "[" : ",\n ") + std::move(key); };
  for (const config::Key& key : view.config.keys) {
    if (request.name.empty() || key.name == request.name) show(file_key_json(key, view));
  }
  for (const store::Key& key : keys) {
    if (request.name.empty() || key.name == request.name) show(stored_key_json(key, view, {}));
  }
  if (answer.body.empty() && !request.name.empty()) return unknown(request.name);
  answer.body += answer.body.empty() ? "[]\n" : "]\n";
  return answer;
}

}  // namespace

std::string store_path(const config::Config& config) {
  return (std::filesystem::path{config.data_dir} / "intragate.db").string();
}

Result<store::Database> open_store(const std::string& path) {
  Result<store::Database> database = store::Database::open(path);
  if (!database) return database;
  Result<Unit> migrated = store::migrate(*database);
  if (!migrated) return std::move(migrated).error();
  return database;
}

std::vector<auth::IssuedKey> issued_keys(const std::vector<store::Key>& keys) {
  std::vector<auth::IssuedKey> issued;
  for (const store::Key& key : keys) {
    for (const store::Secret& secret : key.secrets) {
      auth::IssuedKey one;
      one.key.name = key.name;
      one.key.hash = secret.hash;
      one.key.models = key.models;
      one.key.apis = key.apis;
      one.key.allow = ranges_of(key.allow);
      one.key.trust_user = key.trust_user;
      if (key.stream_usage == "always") one.key.stream_usage = config::StreamUsage::always;
      if (key.while_waiting == "interim") one.key.while_waiting = config::WhileWaiting::interim;
      one.key.created = secret.created;
      one.key.expires = key.expires;
      one.replaced_until = secret.works_until;
      one.revoked = key.revoked.has_value();
      issued.push_back(std::move(one));
    }
  }
  return issued;
}

KeyAnswer answer_keys(store::Database* database, const KeyRequest& request, const KeyView& view) {
  if (request.verb == Verb::list) return list(database, request, view);
  if (in_file(view, request.name)) return of_the_file(request.name);
  if (database == nullptr) return unknown(request.name);
  Result<store::Transaction> transaction = store::Transaction::begin(*database);
  if (!transaction) return failed(transaction.error());
  KeyAnswer answer = request.verb == Verb::create ? create(*database, request, view) : change(*database, request, view);
  if (!answer.ok()) return answer;
  Result<Unit> committed = transaction->commit();
  return committed ? answer : failed(committed.error());
}

}  // namespace intragate::app

// `keys`: who may call, kept as hashes.
#include <algorithm>
#include <chrono>
#include <map>

#include "base/text.h"
#include "base/wildcard.h"
#include "config/credentials.h"
#include "config/problems.h"
#include "config/readers.h"

namespace intragate::config {
namespace {

constexpr std::size_t kHashDigits = 64;  // of SHA-256

// "sha256:" and 64 hexadecimal digits; nothing for anything else.
std::optional<std::string> parse_hash(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const std::string digits = text::lower(text.substr(kPrefix.size()));
  const bool hex = std::all_of(digits.begin(), digits.end(), [](char c) { return text::hex_value(c) >= 0; });
  return hex && digits.size() == kHashDigits ? std::optional{digits} : std::nullopt;
}

// `hash`, or `key` hashed at once. Messages never show either: people paste keys where hashes belong.
void read_credential(Section& section, Key& into) {
  const bool both = section.has("hash") && section.has("key");
  const bool none = !section.has("hash") && !section.has("key");
  if (none && into.certificate && into.require == Require::either) return;
  if (both || none) {
    return section.problem(section.place(), section.path() + (both ? " has both `hash` and `key`; one is enough"
                                                                   : " needs `hash` or `key`, or a `certificate`"));
  }
  if (const std::optional<Scalar> hash = section.scalar("hash")) {
    const std::optional<std::string> digits = parse_hash(hash->text);
    if (!digits)
      return section.problem(hash->place, '`' + section.path("hash") + "` must be sha256: and 64 hexadecimal digits");
    into.hash = *digits;
    return;
  }
  section.secret("key", into.plain);
  if (into.plain.empty()) return;
  const std::optional<Error> wrong = check_api_key(into.plain);
  if (wrong) return section.problem(section.place("key"), '`' + section.path("key") + "`: " + wrong->message);
  if (!section.reading().hash) return;
  into.hash = section.reading().hash(into.plain.reveal());
  into.plain = Secret{};
}

bool names_a_model(std::string_view pattern, const std::vector<Model>& models) {
  const auto fits = [&](std::string_view name) { return matches_wildcard(pattern, name); };
  return pattern == "*" || std::any_of(models.begin(), models.end(), [&](const Model& model) {
           return model.name == "*" || fits(model.name) ||
                  std::any_of(model.aliases.begin(), model.aliases.end(), fits);
         });
}

void read_allowed_models(Section& section, const std::vector<Model>& models, Key& into) {
  if (!section.has("models")) return;
  into.models.clear();
  bool allows = false;
  for (Scalar& pattern : section.names("models")) {
    const bool denies = pattern.text.starts_with(kDenies);
    const std::string_view name = std::string_view{pattern.text}.substr(denies ? 1 : 0);
    if (name.empty()) {
      section.problem(pattern.place, "a key's model is a name, or a pattern with `*`; `!` before it denies it");
      continue;
    }
    allows = allows || !denies;
    if (!names_a_model(name, models)) {
      section.warn(pattern.place,
                   "there is no model " + text::quoted(pattern.text) + " for the key " + text::quoted(into.name));
    }
    into.models.push_back(std::move(pattern.text));
  }
  if (!allows)
    section.warn(section.place("models"), '`' + section.path("models") + "` allows nothing: no model may be used");
}

void read_apis(Section& section, Key& into) {
  if (!section.has("apis")) return;
  into.apis.clear();
  const std::string_view known = find_key("keys[].apis")->values;
  bool allows = false;
  for (Scalar& api : section.names("apis")) {
    const bool denies = api.text.starts_with(kDenies);
    const std::string_view name = std::string_view{api.text}.substr(denies ? 1 : 0);
    if (!fits_a_word(name, known)) {
      section.problem(api.place, text::quoted(api.text) + " is no API",
                      did_you_mean(text::closest_word(name, split_words(known))));
      continue;
    }
    allows = allows || !denies;
    into.apis.push_back(std::move(api.text));
  }
  if (!allows) section.warn(section.place("apis"), '`' + section.path("apis") + "` allows nothing: no API may be used");
}

void read_certificate(Section& section, Key& into) {
  if (section.choice("require") == "both") into.require = Require::both;
  std::optional<Section> certificate = section.section("certificate");
  if (!certificate) {
    if (into.require == Require::both)
      section.problem(section.place("require"), "`require: both` needs a `certificate`");
    return;
  }
  read_certificate_rule(*certificate, into.certificate.emplace());
}

Key read_one(Section& section, const std::vector<Model>& models) {
  Key key;
  section.text("name", key.name);
  read_certificate(section, key);
  read_credential(section, key);
  section.ranges("allow", key.allow);
  read_allowed_models(section, models, key);
  read_apis(section, key);
  section.flag("trust_user", key.trust_user);
  if (section.choice("stream_usage") == "always") key.stream_usage = StreamUsage::always;
  if (section.choice("while_waiting") == "interim") key.while_waiting = WhileWaiting::interim;
  section.moment("created", key.created);
  section.moment("expires", key.expires);
  key.content = content_of(section.choice("content"));
  if (key.expires && *key.expires <= std::chrono::system_clock::now()) {
    section.warn(section.place("expires"), '`' + section.path("expires") + "` is past: this key is refused");
  }
  if (key.allow.empty())
    section.warn(section.place("allow"), '`' + section.path("allow") + "` is empty: nobody may use this key");
  return key;
}

void read_policy(Section& top, Config& config) {
  if (std::optional<Section> policy = top.section("key_policy")) {
    policy->duration("max_age", config.key_policy.max_age);
    policy->duration("warn", config.key_policy.warn);
    policy->flag("enforce", config.key_policy.enforce);
    if (config.key_policy.enforce && config.key_policy.max_age <= Duration::zero()) {
      policy->warn(policy->place("enforce"), "`key_policy.enforce` has no effect without `key_policy.max_age`");
    }
  }
  std::optional<Section> wrong = top.section("wrong_keys");
  if (!wrong) return;
  wrong->count("limit", config.wrong_keys.limit);
  wrong->duration("window", config.wrong_keys.window);
  wrong->duration("pause", config.wrong_keys.pause);
  wrong->ranges("except", config.wrong_keys.except);
}

// A key whose age nobody knows would pass by a policy unseen.
void check_age(Section& section, const KeyPolicy& policy, const Key& key) {
  if (policy.max_age <= Duration::zero() || key.created) return;
  const std::string message = "the age of the key " + text::quoted(key.name) +
                              " is not known: `key_policy.max_age` needs " + section.path("created");
  if (policy.enforce) return section.problem(section.place(), message);
  section.warn(section.place(), message);
}

}  // namespace

void read_keys(Section& top, Config& config) {
  std::map<std::string, std::string, std::less<>> names;
  std::map<std::string, std::string, std::less<>> hashes;
  read_policy(top, config);
  for (Section& section : top.sections("keys")) {
    Key key = read_one(section, config.models);
    check_age(section, config.key_policy, key);
    const auto [name_owner, fresh_name] = names.emplace(key.name, section.path());
    if (!fresh_name && !key.name.empty()) {
      section.problem(section.place("name"),
                      "the key name " + text::quoted(key.name) + " is already taken by " + name_owner->second);
    }
    const auto [hash_owner, fresh_hash] = hashes.emplace(key.hash, section.path());
    if (!fresh_hash && !key.hash.empty())
      section.problem(section.place(), "this is the same key as that of " + hash_owner->second);
    config.keys.push_back(std::move(key));
  }
  if (config.keys.empty())
    top.warn(top.place("keys"),
             "there are no keys here: every call with another than those of `intragate keys` is refused");
}

}  // namespace intragate::config

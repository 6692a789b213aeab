// Holds the loader against its own table: every key is read, every default is the one in config.h, every choice is
// known.
#include "config/key_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "loading.h"
#include "net/authority.h"

namespace intragate::config {
namespace {

std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    out.emplace_back(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return out;
}

struct Sibling {
  std::string_view below;  // table path
  std::string_view key;
  std::string_view text;
};

// Files that keys name: a certificate that is its own authority's, and its key.
struct Files {
  std::string certificate;
  std::string key;
};
const Files& files() {
  static const Files kFiles = [] {
    const WallTime now = std::chrono::system_clock::now();
    const auto made = net::Authority::make("test", net::KeyType::ec, {now, now + std::chrono::hours{24 * 365}}, "");
    EXPECT_TRUE(made);
    const std::string folder = testing::TempDir();
    Files names{folder + "key_table.pem", folder + "key_table.key"};
    std::ofstream{names.certificate} << made->certificate;
    std::ofstream{names.key} << made->key;
    return names;
  }();
  return kFiles;
}

// What must stand beside a key for the file to be usable.
std::string siblings(std::string_view below, std::string_view except) {
  if (below == "listen[].tls" || below == "admin.tls") {
    std::string out = except == "client_certificate" ? "client_ca: " + files().certificate + ", " : std::string{};
    if (except != "certificate") out += "certificate: " + files().certificate + ", ";
    if (except != "key") out += "key: " + files().key + ", ";
    return out;
  }
  static constexpr Sibling kSiblings[] = {
      {"", "models", "[{name: m, endpoints: [{url: \"http://10.0.0.1\"}]}]"},
      {"listen[]", "address", "127.0.0.1:1"},
      {"models[]", "name", "m"},
      {"models[]", "endpoints", "[{url: \"http://10.0.0.1\"}]"},
      {"models[].endpoints[]", "url", "\"http://10.0.0.1\""},
      {"models[].endpoints[] of https", "url", "\"https://10.0.0.1\""},
      {"models[].endpoints[].auth", "type", "bearer"},
      {"models[].endpoints[].auth", "key", "\"u:p\""},
      {"models[].endpoints[].template", "path", "/generate"},
      {"models[].endpoints[].template", "body", "\"{}\""},
      {"models[].endpoints[].template.stream", "framing", "sse"},
      {"models[].endpoints[].template.stream", "text", "/text"},
      {"keys[]", "name", "k"},
      {"keys[]", "key", "sk-11111"},
      {"limits[]", "per", "user"},
      {"audit.copies[]", "to", "\"syslog+tls://10.0.0.1\""},
      {"content_rules[]", "name", "r"},
      {"content_rules[]", "action", "mask"},
      {"content_rules[]", "detect", "[email]"},
      {"content_rules[]", "patterns", "[x]"},
      {"audit.sign", "key", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
  };
  std::string out;
  for (const Sibling& sibling : kSiblings) {
    const bool replaced = sibling.key == except || (sibling.key == "key" && except == "hash");
    if (sibling.below == below && !replaced) out += std::string{sibling.key} + ": " + std::string{sibling.text} + ", ";
  }
  return out;
}

// A usable file in which `path` has `value`, or, for an empty value, is left out.
std::string file_with(std::string_view path, std::string_view value) {
  const std::vector<std::string> segments = segments_of(path);
  std::string text;
  std::string closing;
  std::string below;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const bool last = i + 1 == segments.size();
    const bool list = segments[i].ends_with("[]");
    const std::string key = list ? segments[i].substr(0, segments[i].size() - 2) : segments[i];
    text += siblings(path.find("endpoints[].tls") != std::string_view::npos && below.ends_with("endpoints[]")
                         ? "models[].endpoints[] of https"
                         : below,
                     key);
    if (last) {
      if (!value.empty()) text += key + ": " + std::string{value};
      break;
    }
    text += key + (list ? ": [{" : ": {");
    closing = (list ? "}]" : "}") + closing;
    below += (below.empty() ? "" : ".") + segments[i];
  }
  return '{' + text + closing + '}';
}

Loaded load_value(std::string_view path, std::string_view value) {
  return load(file_with(path, value), {});
}

std::string concrete(std::string_view path) {  // models[].name → models[0].name
  std::string out;
  for (const char c : path) out += c == ']' ? "0]" : std::string{c};
  return out;
}

bool is_section(const KeyRow& row) {
  return row.shape == Shape::section || row.shape == Shape::sections || row.shape == Shape::pairs;
}

TEST(KeyTable, PathsAreUniqueAndHaveParents) {
  std::set<std::string_view> paths;
  for (const KeyRow& row : key_table()) {
    EXPECT_TRUE(paths.insert(row.path).second) << row.path;
    const std::size_t dot = row.path.rfind('.');
    if (dot == std::string_view::npos) continue;
    std::string_view parent = row.path.substr(0, dot);
    if (parent.ends_with("[]")) parent.remove_suffix(2);
    ASSERT_NE(find_key(parent), nullptr) << row.path;
    EXPECT_EQ(find_key(parent)->use, Use::read) << row.path;
  }
}

TEST(KeyTable, EveryKeyIsReallyRead) {
  for (const KeyRow& row : key_table()) {
    if (row.use != Use::read) continue;
    const Loaded loaded = load_value(row.path, is_section(row) ? "x" : "{zzz: 1}");
    EXPECT_TRUE(contains(all_problems(loaded), '`' + concrete(row.path) + "` must be"))
        << row.path << ": a mapping passes for its value; " << all_problems(loaded);
  }
}

TEST(KeyTable, EveryKeyThatIsNotReadIsSpokenOf) {
  for (const KeyRow& row : key_table()) {
    const Loaded loaded = load_value(row.path, "x");
    if (row.use == Use::ignored) {
      EXPECT_TRUE(loaded.ok()) << all_problems(loaded);
      EXPECT_TRUE(contains(all_warnings(loaded), '`' + concrete(row.path) + "` is known, but has no effect"))
          << row.path;
    }
    if (row.use == Use::unavailable) {
      EXPECT_TRUE(contains(all_problems(loaded), '`' + std::string{last_name(row.path)} + "` is not available"))
          << row.path;
    }
  }
}

TEST(KeyTable, RequiredKeysAreRequired) {
  for (const KeyRow& row : key_table()) {
    if (row.fallback != kRequired) continue;
    const std::string problems = all_problems(load_value(row.path, ""));
    EXPECT_TRUE(contains(problems, '`' + std::string{last_name(row.path)} + "` is missing"))
        << row.path << ": " << problems;
  }
}

TEST(KeyTable, EveryDefaultIsWhatAnAbsentKeyMeans) {
  for (const KeyRow& row : key_table()) {
    if (row.use != Use::read || row.fallback.empty() || row.fallback == kRequired) continue;
    if (row.path.ends_with(".client_certificate")) continue;  // its siblings here go with another word
    Loaded absent = load_value(row.path, "");
    Loaded written = load_value(row.path, row.fallback);
    ASSERT_TRUE(absent.ok()) << row.path << ": " << all_problems(absent);
    ASSERT_TRUE(written.ok()) << row.path << ": " << all_problems(written);
    for (Loaded* loaded : {&absent, &written}) {
      loaded->config.warnings.clear();                 // their places differ
      loaded->config.admin.address_is_default = true;  // the one difference that writing a default makes
    }
    EXPECT_EQ(absent.config, written.config)
        << row.path << ": the table says " << row.fallback << ", config.h something else";
  }
}

TEST(KeyTable, EveryChoiceIsKnownAndOtherWordsAreNot) {
  for (const KeyRow& row : key_table()) {
    if (row.use != Use::read || (row.shape != Shape::choice && row.shape != Shape::auth_type)) continue;
    for (const std::string_view word : split_words(row.values)) {
      if (row.path == "models[].endpoints[].dialect" && word == "template") continue;  // with a `template` only
      if (row.path == "keys[].require" && word == "both") continue;                    // with a certificate only
      if (row.path.ends_with(".client_certificate") && word == "none") continue;       // without a client_ca only
      const Loaded loaded = load_value(row.path, word);
      EXPECT_TRUE(loaded.ok()) << row.path << ' ' << word << ": " << all_problems(loaded);
    }
    for (const std::string_view word : split_words(row.later)) {
      EXPECT_TRUE(contains(all_problems(load_value(row.path, word)), "is not available in this version"))
          << row.path << ' ' << word;
    }
    EXPECT_FALSE(load_value(row.path, "zzz").ok()) << row.path;
  }
}

TEST(KeyTable, BothEndsOfARangeAreInside) {
  for (const KeyRow& row : key_table()) {
    const std::size_t dots = row.values.find("..");
    if (row.use != Use::read || dots == std::string_view::npos) continue;
    for (const std::string_view end : {row.values.substr(0, dots), row.values.substr(dots + 2)}) {
      const Loaded loaded = load_value(row.path, end);
      EXPECT_TRUE(loaded.ok()) << row.path << ' ' << end << ": " << all_problems(loaded);
    }
    EXPECT_FALSE(load_value(row.path, "99999999999999999").ok()) << row.path;
  }
}

TEST(KeyTable, PathsOfMessagesFindTheirRow) {
  ASSERT_NE(find_key("models[12].endpoints[3].auth.type"), nullptr);
  EXPECT_EQ(find_key("models[12].endpoints[3].auth.type")->path, "models[].endpoints[].auth.type");
  EXPECT_EQ(find_key("models.name"), nullptr);
  EXPECT_EQ(find_key(""), nullptr);
  EXPECT_EQ(keys_below("admin").size(), 5U);
}

}  // namespace
}  // namespace intragate::config

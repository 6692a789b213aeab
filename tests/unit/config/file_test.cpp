// The file as a whole: strictness, places, suggestions, what is not available yet.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "loading.h"

namespace intragate::config {
namespace {

Loaded load_with(std::string_view yaml, const Environment& environment = {}) {
  return load(std::string{yaml} + "\n" + std::string{kOneModel}, environment);
}

TEST(ConfigFile, ReadsTheTopLevel) {
  const Loaded loaded = load_with(
      "data_dir: /var/lib/intragate\nstore: sqlite\negress: {allow: [10.0.0.0/8]}\ndrain: 5s\nworkers: 3\n"
      "log: {level: debug}\naudit: {content: none, on_full: drop}");
  ASSERT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.source, "test.yaml");
  EXPECT_EQ(loaded.config.data_dir, "/var/lib/intragate");
  EXPECT_EQ(loaded.config.egress.ranges().size(), 1U);
  EXPECT_EQ(loaded.config.drain, 5s);
  EXPECT_EQ(loaded.config.workers, 3U);
  EXPECT_EQ(loaded.config.log_level, LogLevel::debug);
  EXPECT_EQ(loaded.config.audit.on_full, OnFull::drop);
  EXPECT_FALSE(loaded.config.make_key);
}

TEST(ConfigFile, ReportsEverythingAtOnceWithPlaces) {
  const Loaded loaded = load(
      "drian: 30s\n"
      "models:\n"
      "  - name: m\n"
      "    timeout: {first_byte: 25s}\n"
      "    timeouts: {first_byte: 25}\n"
      "    endpoints: [{url: \"ftp://h\"}]\n"
      "workers: many\n");
  EXPECT_EQ(all_problems(loaded),
            "test.yaml:1:1: unknown key `drian` at the top; did you mean `drain`?\n"
            "test.yaml:4:5: unknown key `timeout` in models[0]; did you mean `timeouts`?\n"
            "test.yaml:5:28: `models[0].timeouts.first_byte`: `25` has no unit; did you mean `25s`?\n"
            "test.yaml:6:23: `models[0].endpoints[0].url`: a URL begins with http:// or https://, not `ftp://`\n"
            "test.yaml:7:10: `workers`: `many` is not a whole number\n");
}

TEST(ConfigFile, SaysWhereAMisplacedKeyBelongs) {
  EXPECT_TRUE(contains(all_problems(load_with("first_byte: 25s")), "it belongs in `models[].timeouts`"));
  EXPECT_TRUE(contains(all_problems(load("models: [{name: m, workers: 3, endpoints: [{url: \"http://h\"}]}]")),
                       "it belongs at the top of the file"));
}

TEST(ConfigFile, RefusesWhatWouldBeDangerousToIgnore) {
  for (const std::string key : {"redis", "milvus", "rabbitmq"}) {
    EXPECT_EQ(all_problems(load_with(key + ": x")),
              "test.yaml:1:1: `" + key + "` is not available in this version; leave it out\n");
  }
  const std::string store = all_problems(load_with("store: \"postgresql://u:hunter2@db/x\""));
  EXPECT_TRUE(contains(store, "`store: postgresql://*` is not available in this version")) << store;
  EXPECT_FALSE(contains(store, "hunter2"));
}

TEST(ConfigFile, RefusesKeysThatStandTwice) {
  EXPECT_TRUE(contains(all_problems(load_with("drain: 1s\ndrain: 2s")),
                       "test.yaml:2:1: the key `drain` stands here a second time"));
}

TEST(ConfigFile, MustBeAMapping) {
  EXPECT_TRUE(contains(all_problems(load("- a\n")), "the file must be a mapping"));
  EXPECT_TRUE(contains(all_problems(load("hello\n")), "the file must be a mapping"));
  EXPECT_TRUE(contains(all_problems(load_with("log: info")), "`log` must be a mapping"));
  EXPECT_TRUE(contains(all_problems(load_with("egress:")), "`egress` must be a mapping (`key: value`), not nothing"));
  EXPECT_TRUE(contains(all_problems(load_with("\"a.b\": 1")), "unknown key `a.b`"));
  EXPECT_TRUE(contains(all_problems(load_with("\"models[]\": 1")), "unknown key `models[]`"));
}

TEST(ConfigFile, ReadsTheEnvironment) {
  EXPECT_EQ(load_with("drain: \"${SECONDS}s\"", {{"SECONDS", "7"}}).config.drain, 7s);
  EXPECT_EQ(all_problems(load_with("drain: ${MISSING}")),
            "test.yaml:1:8: `drain`: the environment variable `MISSING` is not set\n");
}

TEST(ConfigFile, RelativePathsBeginAtTheFile) {
  const std::string yaml = "data_dir: data\n" + std::string{kOneModel};
  EXPECT_EQ(load_yaml(yaml, "/etc/intragate/x.yaml", {}, fake_hash).config.data_dir, "/etc/intragate/data");
  EXPECT_EQ(load_yaml(kOneModel, "/etc/intragate/x.yaml", {}, fake_hash).config.data_dir, "/etc/intragate/data");
  EXPECT_EQ(load_yaml(kOneModel, "x.yaml", {}, fake_hash).config.data_dir, "./data");
}

TEST(ConfigFile, SecretsMayLieInFilesBesideIt) {
  const std::filesystem::path folder = make_folder("config-file");
  std::ofstream{folder / "token"} << "s3cret\n";
  std::ofstream{folder / "c.yaml"} << "admin: {token: \"file:token\"}\n" << kOneModel;
  const Loaded loaded = load_file((folder / "c.yaml").string(), {}, fake_hash);
  EXPECT_TRUE(loaded.ok()) << all_problems(loaded);
  EXPECT_EQ(loaded.config.admin.token.reveal(), "s3cret");
  const Loaded missing = load_file((folder / "none.yaml").string(), {}, fake_hash);
  ASSERT_EQ(missing.problems.size(), 1U);
  EXPECT_TRUE(contains(all_problems(missing), "does not exist"));
  EXPECT_FALSE(load_file(folder.string(), {}, fake_hash).ok());
  std::filesystem::remove_all(folder);
}

TEST(ConfigFile, EndsAtAHundredProblems) {
  std::string yaml{kOneModel};
  for (int i = 0; i < 20'000; ++i) yaml += "drain" + std::to_string(i) + ": 1\n";
  const Loaded loaded = load(yaml);
  EXPECT_EQ(loaded.problems.size(), 101U);
}

}  // namespace
}  // namespace intragate::config
